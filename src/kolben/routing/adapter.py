"""A Map bound to one host and script: matching and building with Werkzeug's exceptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import werkzeug.routing
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect, WebsocketMismatch

from kolben.routing import _tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kolben.routing._tree import Match
    from kolben.routing.map import Map

PATH_SAFE = "!$&'()*+,/:;=@"  # not quoted in a path: https://url.spec.whatwg.org/#url-path-segment-string
PLACEHOLDER = re.compile(r"<([^>]+)>")


class MapAdapter(werkzeug.routing.MapAdapter):
    """Matches and builds for one host and script.  Werkzeug: same."""

    map: Map

    def match(  # type: ignore[override]  # one signature for what Werkzeug declares as two overloads
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: bool = False,  # noqa: FBT001, FBT002  # Werkzeug's signature
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,  # noqa: FBT001  # Werkzeug's signature
    ) -> tuple[Any, Mapping[str, Any]]:
        """Return the endpoint (or the rule) and the view args for a path.

        Raises:
            NotFound, MethodNotAllowed, WebsocketMismatch: no rule fits.
            RequestRedirect: there is a better URL.
        """
        path = self.path_info if path_info is None else path_info
        method = (method or self.default_method).upper()
        found = self.map._tree.find(self._domain(), path, method, self.websocket if websocket is None else websocket)
        if found.outcome == _tree.FOUND:
            return (found.rule if return_rule else found.endpoint), found.view_args
        if query_args is None:
            query_args = self.query_args or {}
        raise self.refusal(found, path, method, query_args)

    def _domain(self) -> str:
        """Return what the first part of a rule is compared with."""
        if not self.map.host_matching and self.subdomain is not None:
            return self.subdomain
        return self.server_name

    def refusal(self, found: Match, path: str, method: str, query_args: Mapping[str, Any] | str) -> HTTPException:
        """Return the exception that says why a match is none."""
        if found.is_redirect:
            return RequestRedirect(self.location(found, path, method, query_args))
        if found.outcome == _tree.METHOD_NOT_ALLOWED:
            return MethodNotAllowed(valid_methods=sorted(found.allowed))
        if found.outcome == _tree.WEBSOCKET_MISMATCH:
            return WebsocketMismatch()
        return NotFound()

    def location(self, found: Match, path: str, method: str, query_args: Mapping[str, Any] | str) -> str:
        """Return the absolute URL that a match redirects to."""
        if found.outcome == _tree.REDIRECT_PATH:
            return self.make_redirect_url(quote(found.path, safe=PATH_SAFE), query_args)
        if found.outcome == _tree.REDIRECT_ALIAS:
            asked = f"{self._domain()}|/{path.lstrip('/')}" if path else f"{self._domain()}|"
            return self.make_alias_redirect_url(asked, found.endpoint, found.view_args, method, query_args)
        if found.outcome == _tree.REDIRECT_DEFAULTS:
            domain, path = found.rule.build(found.view_args | found.rule.defaults)
            return self.make_redirect_url(path, query_args, domain_part=domain)
        netloc = f"{self.subdomain}.{self.server_name}" if self.subdomain else self.server_name
        return urljoin(f"{self.url_scheme or 'http'}://{netloc}{self.script_name}", self._redirect_target(found))

    def _redirect_target(self, found: Match) -> str:
        """Return the URL that `redirect_to` asks for, relative to the script's."""
        rule, values = found.rule, found.view_args
        if not isinstance(rule.redirect_to, str):
            return rule.redirect_to(self, **values)
        return PLACEHOLDER.sub(lambda name: rule._converters[name[1]].to_url(values[name[1]]), rule.redirect_to)

    def build(
        self,
        endpoint: Any,
        values: Mapping[str, Any] | None = None,
        method: str | None = None,
        force_external: bool = False,  # noqa: FBT001, FBT002  # Werkzeug's signature
        append_unknown: bool = True,  # noqa: FBT001, FBT002  # Werkzeug's signature
        url_scheme: str | None = None,
    ) -> str:
        """Return the URL of an endpoint with these values.  Werkzeug: same.

        Raises:
            BuildError: no rule of the endpoint takes these values.
        """
        return self.map._builder.build(self, endpoint, values, method, force_external, append_unknown, url_scheme)
