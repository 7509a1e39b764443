"""A Map's rules, searched: by their native picture, compiled anew after each change, or by Werkzeug's own matcher.

Refuses to know how a picture is searched.  Which rules have one, the compiler says; those that have none are Werkzeug's to find, and
the answer is a Match all the same.
"""

from cpython.unicode cimport PyUnicode_DecodeASCII

from kolben.routing._match cimport Match, REDIRECT_ALIAS, make_found, make_path_redirect, make_refusal, redirect_further
from kolben.routing._picture cimport Picture

from werkzeug.routing import NoMatch, RequestAliasRedirect, RequestPath


cdef class Tree:

    def __init__(self, map not None, compile not None):
        self._map = map
        self._compile = compile

    def changed(self):
        """Have the rules compiled again before the next search."""
        self.version += 1

    @property
    def is_native(self):
        """Whether this map's rules are searched natively, not by Werkzeug's matcher."""
        return self._current()._root is not None

    def find(self, domain not None, path not None, method not None, bint websocket):
        """Search, for callers in Python."""
        return self.match(str(domain), str(path), str(method), websocket)

    cdef Match match_bytes(self, str domain, const char *path, Py_ssize_t length, str method):
        cdef Picture picture = self._current()
        method = _upper(method)
        if picture._root is None:
            return _match_by_werkzeug(self._map, domain, PyUnicode_DecodeASCII(path, length, NULL), method, False)
        return picture.match_bytes(domain, path, length, method)

    cdef Match match(self, str domain, str path, str method, bint websocket):
        cdef Picture picture = self._current()
        if path and (path[0] != "/" or (len(path) > 1 and path[1] == "/")):
            path = "/" + path.lstrip("/")
        method = _upper(method)
        if picture._root is None:
            return _match_by_werkzeug(self._map, domain, path, method, websocket)
        return picture.match(domain, path, method, websocket)

    cdef Picture _current(self):
        cdef Picture picture = self._picture
        if picture is None or picture.version != self.version:
            # Should rules change meanwhile, this one is made for the version before, and compiled again next time.
            picture = self._compile(self._map, self.version)
            self._picture = picture
        return picture


cdef str _upper(str method):
    """Return method.upper(), which it nearly always is already."""
    cdef Py_UCS4 character
    for character in method:
        if not "A" <= character <= "Z":
            return method.upper()
    return method


def default_rules_for(map, rule):
    """Rules of the same endpoint whose defaults stand for some of this rule's URLs, the preferred first."""
    rules = []
    for other in map._rules_by_endpoint.get(rule.endpoint, ()):
        if other is rule:
            break
        if other.defaults and other.provides_defaults_for(rule):
            rules.append(other)
    return tuple(rules)


cdef Match _match_by_werkzeug(object map, str domain, str path, str method, bint websocket):
    """Search with Werkzeug's matcher, for rules that cannot be compiled."""
    cdef Match match = None
    map.update()
    try:
        rule, view_args = map._matcher.match(domain, path, method, bool(websocket))
    except RequestPath as redirect:
        match = make_path_redirect(redirect.path_info)
    except RequestAliasRedirect as redirect:
        match = make_found(None, redirect.endpoint, dict(redirect.matched_values))
        match.outcome = REDIRECT_ALIAS
    except NoMatch as refusal:
        match = make_refusal(refusal.have_match_for, refusal.websocket_mismatch)
    if match is not None:
        return match
    match = make_found(rule, rule.endpoint, view_args)
    redirect_further(match, default_rules_for(map, rule) if map.redirect_defaults else (), method)
    return match
