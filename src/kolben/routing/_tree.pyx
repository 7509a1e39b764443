"""Strings to rules: one search through the parts of a path, without exceptions and without requests.

The tree is Werkzeug's state machine seen through native eyes: a node has static parts (a dictionary), patterns for
dynamic ones in the order of their weights, and the rules that end there.  A search goes through it depth first,
exactly in the order in which Werkzeug would.  A whole static path is one dictionary lookup, since it is what that
order tries first.

To be kept in step with Werkzeug by hand: the order, the rules for slashes, and which misses count for 405.
"""

import re

cimport cython
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_READ, PyUnicode_Substring

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcmp

from kolben.routing._segment cimport HIT, HIT_BUT_SLASH, MISS, REGEX, Caught, Conversion, Pattern, Text, lay_open, slice_of

from werkzeug.routing import NoMatch, RequestAliasRedirect, RequestPath, ValidationError

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM(object items, Py_ssize_t i)        # borrowed

cdef object _merge = re.compile("/{2,}").sub


@cython.final
@cython.no_gc                         # lives for one call
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
@cython.no_gc                         # lives for one call, and nothing refers to it but its picture, between calls
cdef class _Search:
    """What one search knows: its question, and what it met on the way."""

    cdef str domain
    cdef str path
    cdef Text text                    # of the path; a position behind its length means that no part is left
    cdef str method
    cdef bint websocket
    cdef Caught *caught               # room for all that one way through the tree can catch
    cdef Py_ssize_t count             # of those
    cdef list kept                    # what values of regular expressions are borrowed from; None until there is one
    cdef set allowed                  # None until the first rule refused the method
    cdef bint websocket_mismatch
    cdef bint slash_required          # the search is over: a rule would match the path with one more slash

    def __dealloc__(self):
        PyMem_Free(self.caught)

    cdef int ask(self, str domain, str method, bint websocket) except -1:
        self.domain = domain
        self.method = method
        self.websocket = websocket
        self.websocket_mismatch = self.slash_required = False
        self.count = 0
        return 0

    cdef int look_at(self, str path) except -1:
        self.path = path
        self.text = lay_open(path)
        return 0

    cdef str whole(self):
        """The path as a str, which a search in bytes only makes if something has to see it."""
        if self.path is None:
            self.path = slice_of(&self.text, 0, self.text.length)
        return self.path

    cdef int forget(self) except -1:
        self.domain = self.path = self.method = None
        self.kept = None
        self.allowed = None
        return 0

    cdef int keep(self, list values) except -1:
        """Note as caught what a regular expression found."""
        if self.kept is None:
            self.kept = []
        for value in values:
            self.kept.append(value)
            self.caught[self.count] = Caught(<PyObject *>value, 0, 0)
            self.count += 1
        return 0


cdef list nothings(Py_ssize_t count):
    """A list of so many times None."""
    cdef list values = PyList_New(count)
    cdef Py_ssize_t i
    for i in range(count):
        Py_INCREF(None)
        PyList_SET_ITEM(values, i, None)
    return values


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

    cdef Match make_match(self, const Text *text, const Caught *caught, Py_ssize_t count, str method, bint redirect_defaults):
        """Convert the values; None if one is not valid.  The rule does not match then, and no other is tried."""
        cdef Match match = _found(self.rule, self._endpoint, None)
        cdef list values = nothings(count)
        cdef Py_ssize_t i
        try:
            for i in range(min(count, len(self._conversions))):
                values[i] = (<Conversion>PyTuple_GET_ITEM(self._conversions, i)).value_of(text, &caught[i])
        except ValidationError:
            values = None
        if values is None:
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
        cdef Text part
        while size < 2 * len(self._parts):
            size *= 2
        self._places = <int32_t *>PyMem_Malloc(size * sizeof(int32_t))
        if self._places == NULL:
            raise MemoryError
        self._mask = size - 1
        for i in range(size):
            self._places[i] = -1
        for i in range(len(self._parts)):
            part = lay_open(<str?>self._parts[i])
            place = hash_of(&part, 0, part.length) & self._mask
            while self._places[place] >= 0:
                place = (place + 1) & self._mask
            self._places[place] = i
        return 0

    cdef PyObject *child(self, const Text *text, Py_ssize_t start, Py_ssize_t end, uint32_t mixed) noexcept:
        """Where the static part text[start:end], of this hash, leads; NULL: there is none.  Unchecked, as the functions below."""
        cdef Py_ssize_t place = mixed & self._mask
        cdef int32_t i = self._places[place]
        while i >= 0:
            if _is_part(text, start, end, PyTuple_GET_ITEM(self._parts, i)):
                return PyTuple_GET_ITEM(self._children, i)
            place = (place + 1) & self._mask
            i = self._places[place]
        return NULL

    cdef Py_ssize_t most(self) except -1:
        """How many values the way below it that catches most of them catches."""
        cdef Py_ssize_t i, here, found = 0
        for child in self._children:
            found = max(found, (<Node>child).most())
        for i in range(len(self._patterns)):
            here = (<Pattern>self._patterns[i]).catches + (<Node>self._pattern_nodes[i]).most()
            found = max(found, here)
        return found

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
    cdef Py_ssize_t i, before = search.count
    if node is not None:
        if search.text.length and node._slash is not None and not node._patterns:
            entry = _search(search, node._slash, 1)       # PERF: a path's first part is empty; bench/routing.py
        else:
            entry = _search(search, node, 0)
        if entry is not None or search.slash_required:
            return entry
    for i in range(len(root._patterns)):
        pattern = root._patterns[i]
        search.count = before
        result = _test_domain(search, pattern, f"{search.domain}/{search.whole()}" if pattern.final else search.domain)
        if result == MISS:
            continue
        entry = _search(search, root._pattern_nodes[i], _position(search, pattern, result, 0))
        if entry is not None or search.slash_required:
            return entry
    search.count = before
    return None


cdef int _test_domain(_Search search, Pattern pattern, str target) except -1:
    """Test another text than the search's path; what is caught of it is kept as values."""
    cdef Text text
    cdef Caught caught
    cdef list values = []
    cdef int result = HIT
    if pattern.shape == REGEX:
        result = pattern.test_regex(target, values)
    else:
        text = lay_open(target)
        if not pattern.accepts(&text, 0, text.length, &caught):
            return MISS
        values.append(PyUnicode_Substring(target, caught.start, caught.end))
    if result != MISS:
        search.keep(values)
    return result


cdef int _test(_Search search, Pattern pattern, Py_ssize_t start, Py_ssize_t end) except -1:
    """Test path[start:end], and note what is caught."""
    cdef list values
    cdef int result
    if pattern.shape != REGEX:
        if not pattern.accepts(&search.text, start, end, &search.caught[search.count]):
            return MISS
        search.count += 1
        return HIT
    values = []
    result = pattern.test_regex(slice_of(&search.text, start, end), values)
    if result != MISS:
        search.keep(values)
    return result


cdef Py_ssize_t _position(_Search search, Pattern pattern, int result, Py_ssize_t following) except -1:
    """Where to go on after a hit."""
    if result == HIT_BUT_SLASH:
        return search.text.length     # the empty part behind the last slash
    return search.text.length + 1 if pattern.final else following


# Unchecked: callers give 0 <= start <= end <= text.length.
# PERF: parts are short, so that calls to search and compare them cost more than the work; bench/routing.py
cdef inline Py_ssize_t _end_of_part(const Text *text, Py_ssize_t start, uint32_t *mixed) noexcept:
    """Where the part that begins at `start` ends; its hash goes into mixed[0], as hash_of says it."""
    cdef const unsigned char *p = <const unsigned char *>text.data
    cdef uint32_t h = 2166136261U
    cdef Py_ssize_t i = start
    if text.kind == 1:
        while i < text.length and p[i] != c"/":
            h = (h ^ p[i]) * 16777619U
            i += 1
        mixed[0] = h ^ (h >> 15)
        return i
    while i < text.length and PyUnicode_READ(text.kind, <void *>text.data, i) != c"/":
        i += 1
    mixed[0] = hash_of(text, start, i)
    return i


cdef uint32_t hash_of(const Text *text, Py_ssize_t start, Py_ssize_t end) noexcept:
    """A hash of text[start:end] (FNV-1a).  Only rules fill the table: no client can make it collide."""
    cdef uint32_t mixed = 2166136261U
    cdef Py_ssize_t i
    for i in range(start, end):
        mixed = (mixed ^ <uint32_t>PyUnicode_READ(text.kind, <void *>text.data, i)) * 16777619U
    return mixed ^ (mixed >> 15)


cdef inline bint _is_part(const Text *text, Py_ssize_t start, Py_ssize_t end, PyObject *part) noexcept:
    """Whether text[start:end] is this part, a str.  Unchecked, as above."""
    cdef Text other = lay_open(<str>part)
    cdef Py_ssize_t i
    if end - start != other.length:
        return False
    if text.kind == 1 and other.kind == 1:
        return memcmp(<const char *>text.data + start, other.data, other.length) == 0
    for i in range(other.length):
        if PyUnicode_READ(text.kind, <void *>text.data, start + i) != PyUnicode_READ(other.kind, <void *>other.data, i):
            return False
    return True


cdef Entry _search(_Search search, Node node, Py_ssize_t start):
    """Find the rule for the parts that begin at `start`; None, too, when a slash is missing.

    Where it finds none, it may leave behind as caught what its caller has to take back.
    """
    cdef Py_ssize_t stop, before, end = search.text.length
    cdef Entry entry
    cdef Pattern pattern
    cdef PyObject *child
    cdef uint32_t mixed
    cdef int result
    while start <= end:
        stop = _end_of_part(&search.text, start, &mixed)
        child = node.child(&search.text, start, stop, mixed)
        if start < end and (child == NULL or not node._patterns):
            # PERF: one way alone leads on from most nodes, and to come back to those is of no use: no recursion.
            if child != NULL:
                node = <Node>child
                start = stop + 1
                continue
            if not node._patterns:
                return None
            if len(node._patterns) == 1:
                pattern = <Pattern>PyTuple_GET_ITEM(node._patterns, 0)
                result = _test(search, pattern, start, end if pattern.final else stop)
                if result == MISS:
                    return None
                node = <Node>PyTuple_GET_ITEM(node._pattern_nodes, 0)
                start = _position(search, pattern, result, stop + 1)
                continue
        if child != NULL:
            before = search.count
            entry = _search(search, <Node>child, stop + 1)
            if entry is not None or search.slash_required:
                return entry
            search.count = before
        entry = _search_patterns(search, node, start, stop)
        if entry is not None or search.slash_required:
            return entry
        # A slash at the end is there for rules that do not mind it.
        return _first_fit(search, node, True) if start == end else None
    return _search_end(search, node)


cdef Entry _search_patterns(_Search search, Node node, Py_ssize_t start, Py_ssize_t stop):
    cdef Py_ssize_t i, before = search.count
    cdef int result
    cdef Pattern pattern
    cdef Entry entry
    for i in range(len(node._patterns)):
        pattern = <Pattern>PyTuple_GET_ITEM(node._patterns, i)
        search.count = before
        result = _test(search, pattern, start, search.text.length if pattern.final else stop)
        if result == MISS:
            continue
        entry = _search(search, <Node>PyTuple_GET_ITEM(node._pattern_nodes, i), _position(search, pattern, result, stop + 1))
        if entry is not None or search.slash_required:
            return entry
    search.count = before
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
        self._most = 0 if root is None else root.most()

    cdef object lend_search(self):
        """Give what one search needs: the one of the last search, if nobody has it now."""
        cdef _Search search = self._spare
        if search is not None:
            self._spare = None
            return search
        search = _Search.__new__(_Search)
        search.caught = <Caught *>PyMem_Malloc((self._most + 1) * sizeof(Caught))
        if search.caught == NULL:
            raise MemoryError
        return search

    cdef Match match(self, str domain, str path, str method, bint websocket):
        cdef Entry entry
        cdef _Search search
        cdef Node host = self._root._static.get(domain)
        cdef Node node
        if host is not None:
            node = host._paths.get(path)
            if node is not None:
                for entry in node._entries:
                    if entry._websocket == websocket and (entry._methods is None or method in entry._methods):
                        return entry.make_match(NULL, NULL, 0, method, self._redirect_defaults)
        search = self.lend_search()
        search.ask(domain, method, websocket)
        search.look_at(path)
        found = _answer(search, self, host)
        search.forget()               # else it is thrown away: after an error of a converter, or of a lack of memory
        self._spare = search
        return found

    cdef Match match_bytes(self, str domain, const char *path, Py_ssize_t length, str method):
        cdef _Search search = self.lend_search()
        search.ask(domain, method, False)
        search.text = Text(NULL, path, 1, length)
        found = _answer(search, self, self._root._static.get(domain))
        search.forget()
        self._spare = search
        return found


cdef Match _answer(_Search search, Picture picture, Node host):
    """Search, a second time with slashes merged if need be, and say what was found."""
    cdef Entry entry = _search_host(search, picture._root, host)
    cdef Match match = None
    if entry is None and not search.slash_required and picture._merge_slashes and "//" in search.whole():
        search.look_at(_merge("/", search.path))
        entry = _search_host(search, picture._root, host)
        if entry is not None:
            return _path_redirect(search.path) if entry._merge_slashes else _refusal(search.allowed, search.websocket_mismatch)
    if search.slash_required:
        return _path_redirect(search.whole() + "/")
    if entry is not None:
        match = entry.make_match(&search.text, search.caught, search.count, search.method, picture._redirect_defaults)
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
        match = _path_redirect(redirect.path_info)
    except RequestAliasRedirect as redirect:
        match = _found(None, redirect.endpoint, dict(redirect.matched_values))
        match.outcome = REDIRECT_ALIAS
    except NoMatch as refusal:
        match = _refusal(refusal.have_match_for, refusal.websocket_mismatch)
    if match is not None:
        return match
    match = _found(rule, rule.endpoint, view_args)
    _redirect(match, default_rules_for(map, rule) if map.redirect_defaults else (), method)
    return match
