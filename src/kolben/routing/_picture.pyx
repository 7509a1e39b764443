"""Strings to rules: one search through the parts of a path, without exceptions and without requests.

The tree is Werkzeug's state machine seen through native eyes: a node has static parts (a dictionary), patterns for
dynamic ones in the order of their weights, and the rules that end there.  A search goes through it depth first,
exactly in the order in which Werkzeug would.  A whole static path is one dictionary lookup, since it is what that
order tries first.

Refuses to know the Map that the rules come from, and that it may change: a picture is of one version.

To be kept in step with Werkzeug by hand: the order, the rules for slashes, and which misses count for 405.
"""

import re

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_READ, PyUnicode_Substring

from libc.stdint cimport uint32_t

from kolben.routing._match cimport Match, make_path_redirect, make_refusal
from kolben.routing._node cimport Entry, Node, hash_of
from kolben.routing._segment cimport HIT, HIT_BUT_SLASH, MISS, REGEX, Caught, Pattern, Text, lay_open, slice_of

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM(object items, Py_ssize_t i)        # borrowed

cdef object _merge = re.compile("/{2,}").sub


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
            return make_path_redirect(search.path) if entry._merge_slashes else make_refusal(search.allowed, search.websocket_mismatch)
    if search.slash_required:
        return make_path_redirect(search.whole() + "/")
    if entry is not None:
        match = entry.make_match(&search.text, search.caught, search.count, search.method, picture._redirect_defaults)
    return match if match is not None else make_refusal(search.allowed, search.websocket_mismatch)
