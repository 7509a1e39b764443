"""The map of the chunked coding's decoder (RFC 9112, section 7.1)."""

from libc.stdint cimport int64_t, uint32_t


cdef enum ChunkEvent:
    CHUNK_MORE = 0        # all bytes were consumed; more are needed
    CHUNK_DATA = 1        # `data`, `data_length` say where body bytes stand in what was given
    CHUNK_END = 2         # the last chunk and its trailers are through; what follows belongs to the next message


cdef struct ChunkDecoder:     # plain memory: it lives inside its connection; zeroed is ready
    int64_t left              # bytes of the present chunk still to come
    uint32_t overhead         # bytes of extensions and trailers so far, against the limit
    uint32_t digits
    int state
    bint in_trailers


# Consumes bytes of p[0:n] and returns what it found; `used[0]` tells how many were consumed.  Call again with the rest.
# Raises RemoteProtocolError (400) or LimitExceeded (431) when extensions and trailers together pass `overhead_limit` bytes.
cdef ChunkEvent decode_chunked(
    ChunkDecoder *decoder, const unsigned char *p, Py_ssize_t n, Py_ssize_t overhead_limit,
    Py_ssize_t *used, const unsigned char **data, Py_ssize_t *data_length,
) except? CHUNK_MORE
