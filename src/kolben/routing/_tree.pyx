"""Strings to rules: one search through the parts of a path, without exceptions and without requests.

The tree is Werkzeug's state machine seen through native eyes: a node has static parts (a dictionary), patterns for
dynamic ones in the order of their weights, and the rules that end there.  A search goes through it depth first,
exactly in the order in which Werkzeug would.  A whole static path is one dictionary lookup, since it is what that
order tries first.

To be kept in step with Werkzeug by hand: the order, the rules for slashes, and which misses count for 405.
"""

import re

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Substring

from libc.stdint cimport int32_t, uint32_t

from kolben.routing._segment cimport HIT_BUT_SLASH, KEEP, MISS, Conversion, Pattern

from werkzeug.routing import NoMatch, RequestAliasRedirect, RequestPath, ValidationError

cdef object _merge = re.compile("/{2,}").sub


@cython.final
@cython.freelist(16)
cdef class Match:

    @property
    def view_args(self):
        """The values of the rule's variables, by name; None where nothing was found."""
        if self._view_args is None and self.names is not None:
            self._view_args = dict(zip(self.names, self.values, strict=True))
        return self._view_args

    @property
    def is_redirect(self):
        return self.outcome >= REDIRECT_PATH

    def __repr__(self):
        return f"<Match {OUTCOMES[self.outcome]} {self.endpoint!r} {self.view_args!r}>"


OUTCOMES = (
    "found", "not found", "method not allowed", "websocket mismatch",
    "redirect: path", "redirect: alias", "redirect: defaults", "redirect: redirect_to",
)


cdef Match _outcome(int outcome):
    cdef Match match = Match.__new__(Match)
    match.outcome = outcome
    return match


cdef Match _found(object rule, object endpoint, dict view_args):
    cdef Match match = Match.__new__(Match)
    match.rule = rule
    match.endpoint = endpoint
    match._view_args = view_args
    return match


cdef Match _path_redirect(str path):
    cdef Match match = _outcome(REDIRECT_PATH)
    match.path = path
    return match


cdef Match _refusal(set allowed, bint websocket_mismatch):
    cdef Match match
    if allowed:
        match = _outcome(METHOD_NOT_ALLOWED)
        match.allowed = allowed
        return match
    return _MISMATCH if websocket_mismatch else _NOTHING


# Shared: they carry nothing.
cdef Match _NOTHING = _outcome(NOT_FOUND)
cdef Match _MISMATCH = _outcome(WEBSOCKET_MISMATCH)


@cython.final
@cython.no_gc                         # lives for one call, and nothing refers to it
@cython.freelist(16)
cdef class _Search:
    """What one search knows: its question, and what it met on the way."""

    cdef str domain
    cdef str path
    cdef Py_ssize_t end               # of the path; a position behind it means that no part is left
    cdef str method
    cdef bint websocket
    cdef list values
    cdef set allowed                  # None until the first rule refused the method
    cdef bint websocket_mismatch
    cdef bint slash_required          # the search is over: a rule would match the path with one more slash


cdef _Search _begin(str domain, str path, str method, bint websocket):
    cdef _Search search = _Search.__new__(_Search)
    search.domain = domain
    search.path = path
    search.end = len(path)
    search.method = method
    search.websocket = websocket
    search.values = []
    return search


cdef class Entry:

    def __init__(self, rule not None, tuple names not None, tuple conversions not None, tuple default_rules not None):
        self.rule = rule
        self._endpoint = rule.endpoint
        self._methods = rule.methods
        self._websocket = rule.websocket
        self._strict_slashes = rule.strict_slashes
        self._merge_slashes = rule.merge_slashes is not False
        self._names = names
        self._conversions = conversions
        self._defaults = rule.defaults or None
        self._is_alias = rule.alias
        self._redirects = rule.redirect_to is not None
        self._default_rules = default_rules

    cdef Match make_match(self, list values, str method, bint redirect_defaults):
        """Convert the values; None if one is not valid.  The rule does not match then, and no other is tried."""
        cdef Match match = _found(self.rule, self._endpoint, None)
        cdef Conversion conversion
        cdef Py_ssize_t i
        try:
            for i in range(min(len(self._names), len(values))):
                conversion = self._conversions[i]
                if conversion.kind != KEEP:
                    values[i] = conversion.apply(values[i])
        except ValidationError:
            return None
        match.names, match.values = self._names, values
        if len(self._names) != len(values):
            match._view_args = dict(zip(self._names, values, strict=False))
        if self._defaults is not None:
            match.view_args.update(self._defaults)
        if self._is_alias and redirect_defaults:
            match.outcome = REDIRECT_ALIAS
        elif self._default_rules or self._redirects:
            _redirect(match, self._default_rules if redirect_defaults else (), method)
        return match


cdef int _redirect(Match match, tuple default_rules, str method) except -1:
    """Let a match redirect to the rule with these defaults, or to where its rule says, if it does."""
    for rule in default_rules:
        if rule.suitable_for(match.view_args, method):
            match.rule = rule
            match.outcome = REDIRECT_DEFAULTS
            return 0
    if match.rule.redirect_to is not None:
        match.outcome = REDIRECT_TO
    return 0


cdef class Node:

    def __init__(self, dict static not None, list dynamic not None, list entries not None):
        self._static = static
        self._patterns = tuple([pattern for pattern, _ in dynamic])
        self._pattern_nodes = tuple([node for _, node in dynamic])
        self._entries = tuple(entries)
        self._slash = static.get("")
        self._parts = tuple(static)
        self._children = tuple(static.values())
        self._fill_places()

    def __dealloc__(self):
        PyMem_Free(self._places)

    cdef int _fill_places(self) except -1:
        cdef Py_ssize_t i, place, size = 4
        while size < 2 * len(self._parts):
            size *= 2
        self._places = <int32_t *>PyMem_Malloc(size * sizeof(int32_t))
        if self._places == NULL:
            raise MemoryError
        self._mask = size - 1
        for i in range(size):
            self._places[i] = -1
        for i in range(len(self._parts)):
            place = _hash_of(self._parts[i], 0, len(self._parts[i])) & self._mask
            while self._places[place] >= 0:
                place = (place + 1) & self._mask
            self._places[place] = i
        return 0

    cdef Node child(self, str path, Py_ssize_t start, Py_ssize_t end):
        """Where the static part path[start:end] leads; None: there is none.  Unchecked, as the functions below."""
        cdef Py_ssize_t place
        cdef int32_t i
        if not self._parts:
            return None
        place = _hash_of(path, start, end) & self._mask
        while True:
            i = self._places[place]
            if i < 0:
                return None
            if _is_part(path, start, end, <str>self._parts[i]):
                return <Node>self._children[i]
            place = (place + 1) & self._mask

    def collect_static_paths(self):
        """Fill in the tables of whole static paths, one for each static domain: call it for the root."""
        cdef Node host
        for host in self._static.values():
            host._paths = dict(_static_paths(host, None))


def _static_paths(Node node not None, str path):
    if node._entries and path is not None:
        yield path, node
    for part, child in node._static.items():
        yield from _static_paths(child, part if path is None else f"{path}/{part}")


cdef Entry _search_host(_Search search, Node root, Node node):
    """Go through what matches the domain, which counts as the part before the path's first; `node` is the static one."""
    cdef Entry entry
    cdef Pattern pattern
    cdef int result
    cdef Py_ssize_t i, caught = len(search.values)
    if node is not None:
        if search.end and node._slash is not None and not node._patterns:
            entry = _search(search, node._slash, 1)       # PERF: a path's first part is empty; bench/routing.py
        else:
            entry = _search(search, node, 0)
        if entry is not None or search.slash_required:
            return entry
    for i in range(len(root._patterns)):
        pattern = root._patterns[i]
        result = pattern.test(f"{search.domain}/{search.path}" if pattern.final else search.domain, search.values)
        if result == MISS:
            continue
        entry = _search(search, root._pattern_nodes[i], _position(search, pattern, result, 0))
        if entry is not None or search.slash_required:
            return entry
        del search.values[caught:]
    return None


cdef Py_ssize_t _position(_Search search, Pattern pattern, int result, Py_ssize_t following) except -1:
    """Where to go on after a hit."""
    if result == HIT_BUT_SLASH:
        return search.end             # the empty part behind the last slash
    return search.end + 1 if pattern.final else following


# Unchecked: callers give 0 <= start <= end <= len(path), and no None.
# PERF: parts are short, so that calls to search and compare them cost more than the work; bench/routing.py
cdef Py_ssize_t _find_slash(str path, Py_ssize_t start, Py_ssize_t end) except -1:
    """Where the part that begins at `start` ends."""
    cdef int kind = PyUnicode_KIND(path)
    cdef void *data = PyUnicode_DATA(path)
    cdef Py_ssize_t i
    for i in range(start, end):
        if PyUnicode_READ(kind, data, i) == c"/":
            return i
    return end


cdef Py_ssize_t _hash_of(str text, Py_ssize_t start, Py_ssize_t end) except -1:
    """A hash of text[start:end], 0 or more (FNV-1a).  Only rules fill the table: no client can make it collide."""
    cdef int kind = PyUnicode_KIND(text)
    cdef void *data = PyUnicode_DATA(text)
    cdef uint32_t mixed = 2166136261U
    cdef Py_ssize_t i
    for i in range(start, end):
        mixed = (mixed ^ <uint32_t>PyUnicode_READ(kind, data, i)) * 16777619U
    return mixed ^ (mixed >> 15)


cdef bint _is_part(str path, Py_ssize_t start, Py_ssize_t end, str part) except -1:
    """Whether path[start:end] is this part.  Unchecked, as above."""
    cdef int kind = PyUnicode_KIND(path), part_kind = PyUnicode_KIND(part)
    cdef void *data = PyUnicode_DATA(path)
    cdef void *part_data = PyUnicode_DATA(part)
    cdef Py_ssize_t i
    if end - start != len(part):
        return False
    for i in range(end - start):
        if PyUnicode_READ(kind, data, start + i) != PyUnicode_READ(part_kind, part_data, i):
            return False
    return True


cdef Entry _search(_Search search, Node node, Py_ssize_t start):
    """Find the rule for the parts that begin at `start`; None, too, when a slash is missing."""
    cdef Py_ssize_t stop
    cdef Entry entry
    cdef Node child
    if start > search.end:
        return _search_end(search, node)
    stop = _find_slash(search.path, start, search.end)
    child = node.child(search.path, start, stop)
    if child is not None:
        entry = _search(search, child, stop + 1)
        if entry is not None or search.slash_required:
            return entry
    if node._patterns:
        entry = _search_patterns(search, node, PyUnicode_Substring(search.path, start, stop), start, stop + 1)
        if entry is not None or search.slash_required:
            return entry
    if start == search.end:           # a slash at the end, for rules that do not mind it
        return _first_fit(search, node, True)
    return None


cdef Entry _search_patterns(_Search search, Node node, str part, Py_ssize_t start, Py_ssize_t following):
    cdef Py_ssize_t i, caught = len(search.values)
    cdef int result
    cdef bint rest                    # more than this part is to be tested
    cdef Pattern pattern
    cdef Entry entry
    for i in range(len(node._patterns)):
        pattern = node._patterns[i]
        rest = pattern.final and following <= search.end
        result = pattern.test(PyUnicode_Substring(search.path, start, search.end) if rest else part, search.values)
        if result == MISS:
            continue
        entry = _search(search, node._pattern_nodes[i], _position(search, pattern, result, following))
        if entry is not None or search.slash_required:
            return entry
        del search.values[caught:]
    return None


cdef Entry _search_end(_Search search, Node node):
    """All parts are used up: find a rule that ends here, or one that ends one slash further."""
    cdef Entry entry = _first_fit(search, node, False)
    if entry is not None or node._slash is None:
        return entry
    for entry in node._slash._entries:
        if entry._websocket == search.websocket and (entry._methods is None or search.method in entry._methods):
            if not entry._strict_slashes:
                return entry
            search.slash_required = True
            return None
    return None


cdef Entry _first_fit(_Search search, Node node, bint lenient):
    """Find the first rule here for this method; `lenient` passes over those that are strict about slashes."""
    cdef Entry entry
    for entry in node._entries:
        if lenient and entry._strict_slashes:
            continue
        if entry._methods is not None and search.method not in entry._methods:
            if search.allowed is None:
                search.allowed = set()
            search.allowed.update(entry._methods)
        elif entry._websocket != search.websocket:
            search.websocket_mismatch = True
        else:
            return entry
    return None


cdef class Picture:

    def __init__(self, unsigned long long version, Node root, bint merge_slashes, bint redirect_defaults):
        self.version = version
        self._root = root
        self._merge_slashes = merge_slashes
        self._redirect_defaults = redirect_defaults

    cdef Match match(self, str domain, str path, str method, bint websocket, bint is_dynamic=False):
        cdef Entry entry
        cdef Match match
        cdef _Search search
        cdef Node host = self._root._static.get(domain)
        cdef Node node
        if host is not None and not is_dynamic:
            node = host._paths.get(path)
            if node is not None:
                for entry in node._entries:
                    if entry._websocket == websocket and (entry._methods is None or method in entry._methods):
                        return entry.make_match([], method, self._redirect_defaults)
        search = _begin(domain, path, method, websocket)
        entry = _search_host(search, self._root, host)
        if entry is None and not search.slash_required and self._merge_slashes and "//" in path:
            search.path = _merge("/", path)
            search.end = len(search.path)
            entry = _search_host(search, self._root, host)
            if entry is not None:
                return _path_redirect(search.path) if entry._merge_slashes else _refusal(search.allowed, search.websocket_mismatch)
        if search.slash_required:
            return _path_redirect(search.path + "/")
        match = entry.make_match(search.values, method, self._redirect_defaults) if entry is not None else None
        return match if match is not None else _refusal(search.allowed, search.websocket_mismatch)


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

    cdef Match match(self, str domain, str path, str method, bint websocket, bint is_dynamic=False):
        cdef Picture picture = self._current()
        if path and (path[0] != "/" or (len(path) > 1 and path[1] == "/")):
            path = "/" + path.lstrip("/")
        method = _upper(method)
        if picture._root is None:
            return _match_by_werkzeug(self._map, domain, path, method, websocket)
        return picture.match(domain, path, method, websocket, is_dynamic)

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
    cdef Match match
    map.update()
    try:
        rule, view_args = map._matcher.match(domain, path, method, bool(websocket))
    except RequestPath as redirect:
        return _path_redirect(redirect.path_info)
    except RequestAliasRedirect as redirect:
        match = _found(None, redirect.endpoint, dict(redirect.matched_values))
        match.outcome = REDIRECT_ALIAS
        return match
    except NoMatch as refusal:
        return _refusal(refusal.have_match_for, refusal.websocket_mismatch)
    match = _found(rule, rule.endpoint, view_args)
    _redirect(match, default_rules_for(map, rule) if map.redirect_defaults else (), method)
    return match
