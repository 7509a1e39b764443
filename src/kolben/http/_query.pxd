"""The map of the query string's reader."""

# Adds name=value pairs of p[0:n], visible ASCII, to lists in `into`.  Borrows p for this call.  Returns 0, or -1: an escape
# is no UTF-8, and what `into` holds by now is to be thrown away.
cdef int parse_query(dict into, const char *p, Py_ssize_t n) except -2
