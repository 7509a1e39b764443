"""Endpoints and values to URLs, as Werkzeug builds them.

What is unusual goes the usual way: a rule whose class overrides how URLs are made, values that are no plain str or
number in a query, names that are no str, and queries that are sorted are left to the rule's own methods.
"""

cimport cython

from kolben.routing._quote cimport quote_path, quote_query
from kolben.routing._tree cimport Tree

from werkzeug.routing import ValidationError


@cython.final
cdef class Slot:

    def __init__(self, str name not None, int kind, converter):
        self.name = name
        self._kind = kind
        self._converter = converter

    cdef str fill(self, object value):
        if self._kind == QUOTE:
            if type(value) is str:
                return quote_path(<str>value)
            if type(value) is int:
                return str(value)
        elif self._kind == NUMBER and type(value) is int:
            return str(value)
        value = self._converter.to_url(value)
        return <str>value if type(value) is str else None


@cython.final
cdef class Recipe:

    def __init__(self, rule not None, tuple domain=None, tuple path=None):
        """Without `domain` and `path` the rule's own methods are asked."""
        self._rule = rule
        self._trace = rule._trace
        self._methods = rule.methods
        self._websocket = rule.websocket
        self._is_native = path is not None
        self._domain = domain
        self._path = path
        self._defaults = dict(rule.defaults or ())
        self._known = frozenset([part.name for part in (domain or ()) + (path or ()) if isinstance(part, Slot)] + [*self._defaults])
        self._needed = tuple([name for name in rule.arguments if name not in self._defaults])
        self._sorts = rule.map.sort_parameters

    cdef tuple build(self, dict values, object method, bint append_unknown):
        if not self._is_native or self._rule._trace is not self._trace:
            return self._ask_rule(values, append_unknown) if self._rule.suitable_for(values, method) else None
        return self._fill(values, append_unknown) if self._suits(values, method) else None

    cdef bint _suits(self, dict values, object method) except -1:
        if method is not None and self._methods is not None and method not in self._methods:
            return False
        for name in self._needed:
            if name not in values:
                return False
        if self._defaults:
            for name, value in self._defaults.items():
                if name in values and value != values[name]:
                    return False
        return True

    cdef tuple _fill(self, dict values, bint append_unknown):
        cdef str query = "", domain, path
        cdef bint is_valid = True
        try:
            if self._defaults or len(values) != len(self._needed):
                query = self._query(values, append_unknown)
            if query is not None:
                domain = _fill(self._domain, values, "")
                path = None if domain is None else _fill(self._path, values, query)
                if path is not None:
                    return domain, path, self._websocket
        except ValidationError:
            is_valid = False
        return self._ask_rule(values, append_unknown) if is_valid else None

    cdef tuple _ask_rule(self, dict values, bint append_unknown):
        built = self._rule.build(values, append_unknown)
        return None if built is None else (built[0], built[1], self._websocket)

    cdef str _query(self, dict values, bint append_unknown):
        """Return the query with its question mark, or "" without unknown values; None if it is not to be made here."""
        cdef list pairs = []
        cdef bint is_plain
        for name, value in values.items():
            if name in self._known:
                continue
            if type(name) is not str or name == ".self" or self._sorts:
                return None
            try:
                is_plain = not append_unknown or _append_pairs(pairs, <str>name, value)
            except ValueError:        # it may be about a later name that Werkzeug complains
                is_plain = False
            if not is_plain:
                return None
        return "?" + "&".join(pairs) if pairs else ""


cdef bint _append_pairs(list pairs, str name, object value) except -1:
    """Append name=value, once for each of several values; False if the value is of an unusual kind."""
    if type(value) is list or type(value) is tuple:
        for item in value:
            if item is not None and not _append_pair(pairs, name, item):
                return False
        return True
    return _append_pair(pairs, name, value)


cdef bint _append_pair(list pairs, str name, object value) except -1:
    if type(value) is not str:
        if type(value) is not int and type(value) is not float and type(value) is not bool:
            return False
        value = str(value)
    pairs.append(quote_query(name) + "=" + quote_query(<str>value))
    return True


cdef str _fill(tuple parts, dict values, str query):
    """Join literal text and filled slots; None if a converter made something unusual."""
    cdef list pieces
    cdef str text
    cdef Slot slot
    if len(parts) == 1 and type(parts[0]) is str:
        return <str>parts[0] + query if query else <str>parts[0]
    pieces = []
    for part in parts:
        if type(part) is str:
            pieces.append(part)
            continue
        slot = part
        text = slot.fill(values[slot.name])
        if text is None:
            return None
        pieces.append(text)
    if query:
        pieces.append(query)
    return "".join(pieces)


cdef class Endpoint:

    def __init__(self, list rules not None, tuple recipes not None):
        self._rules = rules
        self._count = len(recipes)
        self.recipes = recipes

    cdef bint is_current(self, object rules) except -1:
        return self._rules is rules and len(self._rules) == self._count


cdef class Builder:

    def __init__(self, Tree tree not None, map not None, compile not None, bint updates):
        self._tree = tree
        self._map = map
        self._compile = compile
        self._updates = updates
        self._version = 0

    cdef tuple build_parts(
        self, object endpoint, dict values, object method, object default_method, bint append_unknown, object server_name,
    ):
        cdef Endpoint rules = self._endpoint(endpoint)
        cdef tuple parts
        if rules is None:
            return None
        if method is None:            # a rule for the usual method is preferred
            parts = self._build_first(rules, values, default_method, append_unknown, server_name)
            if parts is not None:
                return parts
        return self._build_first(rules, values, method, append_unknown, server_name)

    cdef tuple _build_first(self, Endpoint rules, dict values, object method, bint append_unknown, object server_name):
        """Build with the first rule that takes the values; where hosts are matched, the first for this host if there is one."""
        cdef Recipe recipe
        cdef tuple parts, first = None
        for recipe in rules.recipes:
            parts = recipe.build(values, method, append_unknown)
            if parts is None:
                continue
            if not self.host_matching or parts[0] == server_name:
                return parts
            if first is None:
                first = parts
        return first

    cdef Endpoint _endpoint(self, object endpoint):
        cdef Endpoint compiled
        cdef dict endpoints
        if self._updates:
            self._map.update()
        if self._endpoints is None or self._version != self._tree.version:
            self._refresh()
        endpoints = self._endpoints   # another one if rules change while an endpoint is compiled: that one is thrown away
        rules = self._rules_by_endpoint.get(endpoint)
        if rules is None:
            return None
        compiled = endpoints.get(endpoint)
        if compiled is None or not compiled.is_current(rules):
            with self._map._remap_lock:          # while Werkzeug sorts a list in place, it looks empty to others
                compiled = Endpoint(rules, tuple([self._compile(rule) for rule in rules]))
            endpoints[endpoint] = compiled
        return compiled

    cdef int _refresh(self) except -1:
        cdef unsigned long long version = self._tree.version      # read first: what changes from here on is seen next time
        self._map.update()
        self._rules_by_endpoint = self._map._rules_by_endpoint
        self.host_matching = self._map.host_matching
        self._endpoints = {}
        self._version = version
        return 0
