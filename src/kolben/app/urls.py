"""From endpoint names to URLs, and what a request's host and path are matched with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import SecurityError
from werkzeug.routing import BuildError
from werkzeug.utils import redirect as _redirect
from werkzeug.wsgi import get_host

from kolben.app._urls import Links, app_url_for, url_for
from kolben.app.globals import _cv_app
from kolben.app.registration import Registration
from kolben.app.scaffold import _split_blueprint_path
from kolben.routing import Map

if TYPE_CHECKING:
    from werkzeug.routing import MapAdapter
    from werkzeug.wrappers import Response as BaseResponse

    from kolben.app.wrappers import Request

__all__ = ["Urls", "redirect", "url_for"]


def refuse_unusable_host(field: str) -> None:
    """Refuse a Host that cannot be a name, not even one of other letters (RFC 9112, section 3.2); Werkzeug ignores it."""
    try:
        field.partition(":")[0].encode("idna")
    except UnicodeError:
        raise SecurityError(f"Host {field!r} is not a host.") from None


class Urls(Registration):
    """The third storey: URLs."""

    _links: Links | None = None

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
        if not request.host:
            refuse_unusable_host(request.environ.get("HTTP_HOST", ""))
        if self.url_map.host_matching:
            return self.url_map.bind_to_environ(request.environ, server_name=None)
        # Without subdomain matching every host is as good: no subdomain is looked for.
        subdomain = None if self.subdomain_matching else self.url_map.default_subdomain or ""
        return self.url_map.bind_to_environ(request.environ, server_name=server_name, subdomain=subdomain)

    url_for = app_url_for  # native

    def _make_links(self) -> Links:
        """Look at what url_for rests on; see `Links`."""
        url_map = self.url_map
        tree, builder = (url_map._tree, url_map._builder) if type(url_map) is Map else (None, None)
        links = Links(self, self._registry, tree, builder, self.config)
        links.url_for_is_ours = not self._replaces("url_for")
        links.injects = self._replaces("inject_url_defaults") or self._may_have_defaults()
        if tree is not None and not (url_map.host_matching or self.subdomain_matching or self._replaces("create_url_adapter")):
            links.domain = url_map.default_subdomain or ""
        self.__dict__["_links"] = links  # not by setattr, which says that something has changed
        return links

    def _may_have_defaults(self) -> bool:
        """Tell whether there are url_defaults functions; a registry that does not tell us when it changes may always have some."""
        functions = self.url_default_functions
        return getattr(functions, "_version", None) is not self._registry or any(functions.values())

    def _replaces(self, name: str) -> bool:
        """Tell whether the instance or a class of its own has another method under a name."""
        return name in self.__dict__ or getattr(type(self), name) is not ORIGINAL[name]

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


ORIGINAL = {name: getattr(Urls, name) for name in ("url_for", "inject_url_defaults", "create_url_adapter")}


def redirect(location: str, code: int = 302, Response: type[BaseResponse] | None = None) -> BaseResponse:  # noqa: N803 - Flask's name
    """Make a response that sends the client elsewhere, by the current app where there is one."""
    context = _cv_app.get(None)
    if context is not None:
        return context.app.redirect(location, code=code)
    return _redirect(location, code=code, Response=Response)
