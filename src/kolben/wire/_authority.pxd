"""The map of the authority's grammar (RFC 3986, section 3.2; RFC 9110, sections 4.2 and 7.2)."""


cdef enum:
    WELL_FORMED = -1

# Checks that p[0:n] is `uri-host [":" port]` with a host that is not empty and without userinfo.  Returns WELL_FORMED, or
# the index of the first byte that does not fit (n where something is missing at the end).
cdef Py_ssize_t check_authority(const unsigned char *p, Py_ssize_t n, bint port_required) noexcept nogil
