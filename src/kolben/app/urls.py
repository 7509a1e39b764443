"""From endpoint names to URLs, and what a request's host and path are matched with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from werkzeug.routing import BuildError
from werkzeug.utils import redirect as _redirect
from werkzeug.wsgi import get_host

from kolben.app.globals import _cv_app, _cv_request, current_app
from kolben.app.registration import Registration
from kolben.app.scaffold import _split_blueprint_path

if TYPE_CHECKING:
    from werkzeug.routing import MapAdapter
    from werkzeug.wrappers import Response as BaseResponse

    from kolben.app.wrappers import Request

__all__ = ["Urls", "redirect", "url_for"]


class Urls(Registration):
    """The third storey: URLs."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the URL map to a request, or, without one, to SERVER_NAME; None where neither is there."""
        server_name = self.config["SERVER_NAME"]
        if request is None:
            if server_name is None:
                return None
            return self.url_map.bind(
                server_name,
                script_name=self.config["APPLICATION_ROOT"],
                url_scheme=self.config["PREFERRED_URL_SCHEME"],
            )
        if self.config["TRUSTED_HOSTS"] is not None:
            request.trusted_hosts = self.config["TRUSTED_HOSTS"]
        request.host = get_host(request.environ, request.trusted_hosts)  # SecurityError, a 400, unless it is a trusted one
        if self.url_map.host_matching:
            return self.url_map.bind_to_environ(request.environ, server_name=None)
        # Without subdomain matching every host is as good: no subdomain is looked for.
        subdomain = None if self.subdomain_matching else self.url_map.default_subdomain or ""
        return self.url_map.bind_to_environ(request.environ, server_name=server_name, subdomain=subdomain)

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """Build the URL of an endpoint.

        Args:
            endpoint: With a dot in front, it is relative to the blueprint of the current request.
            _anchor: What comes after "#".
            _method: The method whose rule is meant.
            _scheme: Such as "https"; makes the URL external.
            _external: With scheme and host.  Always outside of a request, which needs SERVER_NAME.
            values: For the rule; what it does not take becomes the query string.
        """
        context = _cv_request.get(None)
        if context is not None:
            adapter = context.url_adapter
            if endpoint.startswith("."):
                endpoint = f"{context.request.blueprint or ''}{endpoint}".removeprefix(".")
            if _external is None:
                _external = _scheme is not None
        else:
            adapter = self._adapter_outside_of_requests()
            if _external is None:
                _external = True
        if _scheme is not None and not _external:
            raise ValueError("When specifying '_scheme', '_external' must be True.")
        self.inject_url_defaults(endpoint, values)
        try:
            url = cast("MapAdapter", adapter).build(endpoint, values, method=_method, url_scheme=_scheme, force_external=_external)
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external)
            return self.handle_url_build_error(error, endpoint, values)
        return url if _anchor is None else f"{url}#{quote(_anchor, safe=_ANCHOR_SAFE)}"

    def _adapter_outside_of_requests(self) -> MapAdapter:
        context = _cv_app.get(None)
        adapter = self.create_url_adapter(None) if context is None else context.url_adapter
        if adapter is None:
            raise RuntimeError(
                "Unable to build URLs outside an active request without 'SERVER_NAME' configured."
                " Also configure 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed."
            )
        return adapter

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Let the url_defaults functions, the app's and the blueprints', add to the values of a URL."""
        names: list[str | None] = [None]
        if "." in endpoint:
            names.extend(reversed(_split_blueprint_path(endpoint.rpartition(".")[0])))
        for name in names:
            for function in self.url_default_functions.get(name, ()):
                function(endpoint, values)

    def handle_url_build_error(self, error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
        """Ask `url_build_error_handlers` for a URL; raise the error if none has one."""
        for handler in self.url_build_error_handlers:
            try:
                url = handler(error, endpoint, values)
            except BuildError as raised:
                error = raised
            else:
                if url is not None:
                    return url
        if error is sys.exc_info()[1]:
            raise  # noqa: PLE0704 - with its own traceback
        raise error

    def redirect(self, location: str, code: int = 302) -> BaseResponse:
        """Make a response that sends the client elsewhere."""
        return _redirect(location, code=code, Response=self.response_class)


_ANCHOR_SAFE = "%!#$&'()*+,/:;=?@"  # what WHATWG's URL standard leaves alone in a fragment


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Build the URL of an endpoint of the current app; see `App.url_for`."""
    return current_app.url_for(endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values)


def redirect(location: str, code: int = 302, Response: type[BaseResponse] | None = None) -> BaseResponse:  # noqa: N803 - Flask's name
    """Make a response that sends the client elsewhere, by the current app where there is one."""
    context = _cv_app.get(None)
    if context is not None:
        return context.app.redirect(location, code=code)
    return _redirect(location, code=code, Response=Response)
