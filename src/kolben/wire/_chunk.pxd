"""The map of the chunked coding's decoder (RFC 9112, section 7.1)."""

cimport cython
from libc.stdint cimport int64_t, uint32_t


cdef enum ChunkEvent:
    CHUNK_MORE = 0        # all bytes were consumed; more are needed
    CHUNK_DATA = 1        # `data`, `data_length` say where body bytes stand in what was given
    CHUNK_END = 2         # the last chunk and its trailers are through; what follows belongs to the next message


cdef struct ChunkDecoder:     # plain memory: it lives inside its connection; zeroed is ready
    int64_t left              # bytes of the present chunk still to come
    uint32_t overhead         # bytes of extensions and trailers so far, against the limit
    uint32_t digits           # of the size that is being read, or bytes of the trailer's name
    uint32_t candidates       # flags of the names that the trailer's name may still become, see _chunk.pyx
    int state
    bint in_trailers


# Consumes bytes of p[0:n] and returns what it found; `used[0]` tells how many were consumed.  Call again with the rest.
# After CHUNK_END the decoder is zeroed again.  Not to be called again after it raised.
# Raises RemoteProtocolError (400), or LimitExceeded (431) when extensions (";" and on, without CRLF) and trailers (whole
# lines) together pass `overhead_limit` bytes; 0: none.
cdef ChunkEvent decode_chunked(
    ChunkDecoder *decoder, const unsigned char *p, Py_ssize_t n, Py_ssize_t overhead_limit,
    Py_ssize_t *used, const unsigned char **data, Py_ssize_t *data_length,
) except? CHUNK_MORE


@cython.final
cdef class ChunkedBody:
    """The decoder with a Python face."""

    cdef ChunkDecoder _decoder
    cdef readonly Py_ssize_t overhead_limit
