"""The map of percent-encoding: what urllib.parse writes, for the three places of a URL that values come to."""

# All return `text` itself when nothing has to be encoded.  Raises UnicodeEncodeError for a lone surrogate.
cdef str quote_path(str text)         # as in a path segment, slashes kept
cdef str quote_query(str text)        # as a name or value in a query, a space as "+"
cdef str quote_fragment(str text)     # what follows the "#"; a percent sign is kept
