"""A Map bound to one host and script: its native half, and what a match that is none means to Werkzeug's callers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import werkzeug.routing
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect, WebsocketMismatch

from kolben.routing import _match
from kolben.routing._adapter import NativeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kolben.routing._match import Match

PATH_SAFE = "!$&'()*+,/:;=@"  # not quoted in a path: https://url.spec.whatwg.org/#url-path-segment-string
PLACEHOLDER = re.compile(r"<([^>]+)>")


class MapAdapter(NativeAdapter, werkzeug.routing.MapAdapter):  # type: ignore[misc]  # attributes are declared in both
    """Matches and builds for one host and script, in native code.  Werkzeug: same."""

    def refusal(self, found: Match, path: str, method: str, query_args: Mapping[str, Any] | str) -> HTTPException:
        """Return the exception that says why a match is none."""
        if found.is_redirect:
            return RequestRedirect(self.location(found, path, method, query_args))
        if found.outcome == _match.METHOD_NOT_ALLOWED:
            return MethodNotAllowed(valid_methods=sorted(found.allowed))
        if found.outcome == _match.WEBSOCKET_MISMATCH:
            return WebsocketMismatch()
        return NotFound()

    def location(self, found: Match, path: str, method: str, query_args: Mapping[str, Any] | str) -> str:
        """Return the absolute URL that a match redirects to."""
        if found.outcome == _match.REDIRECT_PATH:
            return self.make_redirect_url(quote(found.path, safe=PATH_SAFE), query_args)
        if found.outcome == _match.REDIRECT_ALIAS:
            asked = f"{self._domain()}|/{path.lstrip('/')}" if path else f"{self._domain()}|"
            return self.make_alias_redirect_url(asked, found.endpoint, found.view_args, method, query_args)
        if found.outcome == _match.REDIRECT_DEFAULTS:
            domain, path = found.rule.build({**found.view_args, **found.rule.defaults})
            return self.make_redirect_url(path, query_args, domain_part=domain)
        netloc = f"{self.subdomain}.{self.server_name}" if self.subdomain else self.server_name
        location: str = urljoin(f"{self.url_scheme or 'http'}://{netloc}{self.script_name}", self._redirect_target(found))
        return location

    def _redirect_target(self, found: Match) -> Any:
        """Return the URL that `redirect_to` asks for, relative to the script's."""
        rule, values = found.rule, found.view_args
        if not isinstance(rule.redirect_to, str):
            return rule.redirect_to(self, **values)
        return PLACEHOLDER.sub(lambda name: rule._converters[name[1]].to_url(values[name[1]]), rule.redirect_to)
