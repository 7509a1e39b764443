"""The straight ways of MapAdapter: a rule was found, a URL was built.  What else there is stands in adapter.py."""

from kolben.routing._match cimport FOUND, Match

from werkzeug.datastructures import MultiDict
from werkzeug.routing import BuildError


cdef class NativeAdapter:

    def adopt(self, other not None):
        """Take over what Werkzeug's adapter knows."""
        self.map = other.map
        self.server_name = other.server_name
        self.script_name = other.script_name
        self.subdomain = other.subdomain
        self.url_scheme = other.url_scheme
        self.path_info = other.path_info
        self.default_method = other.default_method
        self.query_args = other.query_args
        self.websocket = other.websocket

    cdef int _know_map(self) except -1:
        if self._known_map is not self.map:
            self._tree = self.map._tree
            self._builder = self.map._builder
            self._known_map = self.map
        return 0

    def match(self, path_info=None, method=None, bint return_rule=False, query_args=None, websocket=None):
        """Return the endpoint (or the rule) and the view args for a path.  Werkzeug: same.

        Raises:
            NotFound, MethodNotAllowed, WebsocketMismatch: no rule fits.
            RequestRedirect: there is a better URL.
        """
        cdef Match found
        self._know_map()
        path = str(self.path_info if path_info is None else path_info)
        method = str(method or self.default_method)
        found = self._tree.match(self._domain(), path, method, self.websocket if websocket is None else websocket)
        if found.outcome == FOUND:
            return (found.rule if return_rule else found.endpoint), found.view_args
        if query_args is None:
            query_args = self.query_args or {}
        raise self.refusal(found, path, method.upper(), query_args)

    def _domain(self):
        """Return what the first part of a rule is compared with."""
        if self.subdomain is not None and not self.map.host_matching:
            return self.subdomain
        return self.server_name

    def build(self, endpoint, values=None, method=None, bint force_external=False, bint append_unknown=True, url_scheme=None):
        """Return the URL of an endpoint with these values.  Werkzeug: same.

        Raises:
            BuildError: no rule of the endpoint takes these values.
        """
        return self.make_url(endpoint, without_none(values), method, force_external, append_unknown, url_scheme)

    cdef str make_url(self, object endpoint, dict values, object method, bint force_external, bint append_unknown, object url_scheme):
        cdef tuple parts
        cdef bint websocket
        self._know_map()
        parts = self._builder.build_parts(endpoint, values, method, self.default_method, append_unknown, self.server_name)
        if parts is None:
            raise BuildError(endpoint, dict(values), method, self)
        domain, path, websocket = parts
        if not (force_external or websocket) and domain == (self.server_name if self._builder.host_matching else self.subdomain):
            return join(self.script_name.rstrip("/") if self.script_name != "/" else "", path)
        if not self._builder.host_matching:
            domain = f"{domain}.{self.server_name}" if domain else self.server_name
        scheme = _scheme(self.url_scheme if url_scheme is None else url_scheme, websocket)
        # Formatted, not added: a domain that a custom converter made may be no str.
        return join(f"{scheme}//{domain}" if self.script_name == "/" else f"{scheme}//{domain}{self.script_name[:-1]}", path)


cdef dict without_none(object values):
    if type(values) is dict:
        for value in (<dict>values).values():
            if value is None:
                break
        else:
            return <dict>values
    if not values:
        return {}
    if isinstance(values, MultiDict):
        return {key: (several[0] if len(several) == 1 else several) for key, several in dict.items(values) if len(several) != 0}
    return {key: value for key, value in values.items() if value is not None}


cdef str join(str base, str path):
    if path and path[0] == "/" and (len(path) == 1 or path[1] != "/"):
        return base + path if base else path
    return f"{base}/{path.lstrip('/')}"


cdef str _scheme(object url_scheme, bint websocket):
    """Return the scheme with its colon, or "": a WebSocket's URL always has one, and none but it has a WebSocket's."""
    if url_scheme == "http" and not websocket:
        return "http:"
    secure = url_scheme in ("https", "wss")
    if websocket:
        return "wss:" if secure else "ws:"
    if not url_scheme:
        return ""
    return "https:" if secure else "http:"
