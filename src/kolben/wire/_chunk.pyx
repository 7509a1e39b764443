# cython: language_level=3
"""The chunked coding, byte by byte, strictly by RFC 9112, section 7.1.

A table of states and classes of bytes holds the grammar, so where the bytes are cut cannot matter: nothing is looked at
twice, and nothing is looked ahead for.  Trailers are checked as fields are, and dropped.

Taken, because the grammar has it: whitespace around ";" and "=" of an extension.  Refused, although it could be skipped:
more than 16 digits, leading zeros included, and trailers that speak about framing or routing (RFC 9110, section 6.5.1).
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint32_t
from libc.string cimport memset, strlen

from kolben.wire._bytes cimport HEX as HEX_DIGIT, TEXT as TEXT_BYTE, TOKEN as TOKEN_BYTE, fill_classes

from kolben.base.errors import LimitExceeded, RemoteProtocolError

cdef enum:
    MOST_DIGITS = 16
    OVERHEAD_MOST = 0xffff_0000      # with no limit set: the counter stands still instead of wrapping

cdef enum:                # the states; zero is where a body begins
    SIZE_FIRST
    SIZE
    SIZE_BLANK            # after whitespace that only an extension may follow
    EXTENSION_FIRST
    EXTENSION_NAME
    EXTENSION_NAME_BLANK
    EXTENSION_EQUALS
    EXTENSION_VALUE
    EXTENSION_QUOTED
    EXTENSION_ESCAPE
    EXTENSION_QUOTED_END
    SIZE_LF
    DATA
    DATA_CR
    DATA_LF
    TRAILER_FIRST
    TRAILER_NAME
    TRAILER_VALUE
    TRAILER_LF
    LAST_LF
    END
    WRONG

cdef enum:                # the classes of bytes
    HEX = 1 << 0
    TOKEN = 1 << 1        # of those that are no hex digit
    SEMICOLON = 1 << 2
    EQUALS = 1 << 3
    QUOTE = 1 << 4
    BACKSLASH = 1 << 5
    COLON = 1 << 6
    CR = 1 << 7
    LF = 1 << 8
    BLANK = 1 << 9
    TEXT = 1 << 10        # what is left of visible ASCII and obs-text
    CLASSES = 12          # the last one is of what is nowhere allowed

cdef dict SPECIAL = {";": SEMICOLON, "=": EQUALS, '"': QUOTE, "\\": BACKSLASH, ":": COLON, "\r": CR, "\n": LF, " ": BLANK, "\t": BLANK}
cdef int NAME = HEX | TOKEN
cdef int VALUE = NAME | SEMICOLON | EQUALS | QUOTE | BACKSLASH | COLON | BLANK | TEXT

# In this state, bytes of these classes lead to that state.  What is not here is refused.
cdef tuple GRAMMAR = (
    (SIZE_FIRST, HEX, SIZE),
    (SIZE, HEX, SIZE),
    (SIZE, BLANK, SIZE_BLANK),
    (SIZE, SEMICOLON, EXTENSION_FIRST),
    (SIZE, CR, SIZE_LF),
    (SIZE_BLANK, BLANK, SIZE_BLANK),
    (SIZE_BLANK, SEMICOLON, EXTENSION_FIRST),
    (EXTENSION_FIRST, BLANK, EXTENSION_FIRST),
    (EXTENSION_FIRST, NAME, EXTENSION_NAME),
    (EXTENSION_NAME, NAME, EXTENSION_NAME),
    (EXTENSION_NAME, BLANK, EXTENSION_NAME_BLANK),
    (EXTENSION_NAME, EQUALS, EXTENSION_EQUALS),
    (EXTENSION_NAME, SEMICOLON, EXTENSION_FIRST),
    (EXTENSION_NAME, CR, SIZE_LF),
    (EXTENSION_NAME_BLANK, BLANK, EXTENSION_NAME_BLANK),
    (EXTENSION_NAME_BLANK, EQUALS, EXTENSION_EQUALS),
    (EXTENSION_NAME_BLANK, SEMICOLON, EXTENSION_FIRST),
    (EXTENSION_EQUALS, BLANK, EXTENSION_EQUALS),
    (EXTENSION_EQUALS, NAME, EXTENSION_VALUE),
    (EXTENSION_EQUALS, QUOTE, EXTENSION_QUOTED),
    (EXTENSION_VALUE, NAME, EXTENSION_VALUE),
    (EXTENSION_VALUE, BLANK, SIZE_BLANK),
    (EXTENSION_VALUE, SEMICOLON, EXTENSION_FIRST),
    (EXTENSION_VALUE, CR, SIZE_LF),
    (EXTENSION_QUOTED, VALUE & ~(QUOTE | BACKSLASH), EXTENSION_QUOTED),
    (EXTENSION_QUOTED, BACKSLASH, EXTENSION_ESCAPE),
    (EXTENSION_QUOTED, QUOTE, EXTENSION_QUOTED_END),
    (EXTENSION_ESCAPE, VALUE, EXTENSION_QUOTED),
    (EXTENSION_QUOTED_END, BLANK, SIZE_BLANK),
    (EXTENSION_QUOTED_END, SEMICOLON, EXTENSION_FIRST),
    (EXTENSION_QUOTED_END, CR, SIZE_LF),
    (SIZE_LF, LF, DATA),                  # after the last chunk: TRAILER_FIRST
    (DATA_CR, CR, DATA_LF),
    (DATA_LF, LF, SIZE_FIRST),
    (TRAILER_FIRST, NAME, TRAILER_NAME),
    (TRAILER_FIRST, CR, LAST_LF),
    (TRAILER_NAME, NAME, TRAILER_NAME),
    (TRAILER_NAME, COLON, TRAILER_VALUE),
    (TRAILER_VALUE, VALUE, TRAILER_VALUE),
    (TRAILER_VALUE, CR, TRAILER_LF),
    (TRAILER_LF, LF, TRAILER_FIRST),
    (LAST_LF, LF, END),
)
# States whose entering byte counts as overhead.
cdef set COUNTED = {
    SIZE_BLANK, EXTENSION_FIRST, EXTENSION_NAME, EXTENSION_NAME_BLANK, EXTENSION_EQUALS, EXTENSION_VALUE, EXTENSION_QUOTED,
    EXTENSION_ESCAPE, EXTENSION_QUOTED_END, TRAILER_FIRST, TRAILER_NAME, TRAILER_VALUE, TRAILER_LF,
}
cdef dict EXPECTED = {
    SIZE_FIRST: "chunk size: expected a hex digit",
    SIZE: "chunk size: expected a hex digit, an extension or CRLF",
    DATA_CR: "chunk: expected CRLF after its data",
    DATA_LF: "chunk: expected CRLF after its data",
    TRAILER_FIRST: "trailer: expected a name, which is a token, or the last CRLF",
    TRAILER_NAME: "trailer: expected a name, which is a token, and a colon",
    TRAILER_VALUE: "trailer: expected no control characters but HTAB",
} | dict.fromkeys((SIZE_LF, TRAILER_LF, LAST_LF), "line end: expected LF after CR")

cdef unsigned char CLASS[256]            # the number of a class's bit
cdef unsigned char NEXT[END][CLASSES]    # END and WRONG lead nowhere
cdef unsigned char IS_COUNTED[END]
cdef const char *FORBIDDEN[3]            # names of trailers; a flag of `candidates` each
FORBIDDEN[0] = b"content-length"
FORBIDDEN[1] = b"transfer-encoding"
FORBIDDEN[2] = b"host"


cdef int fill_tables() except -1:
    cdef unsigned char members[256]
    cdef int byte, number, state
    fill_classes(members)
    for byte in range(256):
        if members[byte] & HEX_DIGIT:
            flag = HEX
        elif members[byte] & TOKEN_BYTE:
            flag = TOKEN
        else:
            flag = SPECIAL.get(chr(byte), TEXT if members[byte] & TEXT_BYTE else 1 << CLASSES - 1)
        CLASS[byte] = flag.bit_length() - 1
    memset(NEXT, WRONG, sizeof(NEXT))
    for state, classes, following in GRAMMAR:
        for number in range(CLASSES):
            if classes >> number & 1:
                NEXT[state][number] = following
    for state in range(END):
        IS_COUNTED[state] = state in COUNTED
    return 0


fill_tables()


cdef inline int digit_value(unsigned char digit) noexcept nogil:
    """Return what a hex digit is worth."""
    return (digit & 0xf) + (9 if digit > c"9" else 0)


cdef ChunkEvent decode_chunked(
    ChunkDecoder *decoder, const unsigned char *p, Py_ssize_t n, Py_ssize_t overhead_limit,
    Py_ssize_t *used, const unsigned char **data, Py_ssize_t *data_length,
) except? CHUNK_MORE:
    cdef Py_ssize_t i = 0
    cdef int state
    while i < n:
        if decoder.state == DATA:
            data[0] = p + i
            data_length[0] = min(decoder.left, n - i)
            used[0] = i + data_length[0]
            decoder.left -= data_length[0]
            if decoder.left == 0:
                decoder.state = DATA_CR
            return CHUNK_DATA
        state = NEXT[decoder.state][CLASS[p[i]]]
        if state == WRONG:
            refuse(decoder.state, p[i])
        if state == SIZE:
            add_digit(decoder, p[i])
        elif state == TRAILER_NAME or (state == TRAILER_VALUE and decoder.state == TRAILER_NAME):
            check_name(decoder, p[i])
        elif state == DATA:
            decoder.digits = 0
            if decoder.left == 0:
                state = TRAILER_FIRST
                decoder.in_trailers = True
        elif state == END:
            memset(decoder, 0, sizeof(ChunkDecoder))
            used[0] = i + 1
            return CHUNK_END
        if IS_COUNTED[state] and decoder.state != SIZE_LF:
            count_overhead(decoder, overhead_limit)
        decoder.state = state
        i += 1
    used[0] = n
    return CHUNK_MORE


cdef int add_digit(ChunkDecoder *decoder, unsigned char digit) except -1:
    # 15 digits fit in any case; the first bit of a sixteenth is the sign's.
    if decoder.digits == MOST_DIGITS or decoder.left >> 59:
        raise RemoteProtocolError(
            f"chunk size: expected at most {MOST_DIGITS} digits and less than 2^63", source="RFC 9112, section 7.1",
        )
    decoder.digits += 1
    decoder.left = decoder.left << 4 | digit_value(digit)
    return 0


cdef int count_overhead(ChunkDecoder *decoder, Py_ssize_t limit) except -1:
    if decoder.overhead < OVERHEAD_MOST:
        decoder.overhead += 1
    if limit and decoder.overhead > limit:
        raise LimitExceeded(
            f"chunk extensions and trailers: expected at most {limit} bytes", status=431, source="RFC 9112, section 7.1.1",
        )
    return 0


cdef int check_name(ChunkDecoder *decoder, unsigned char byte) except -1:
    """Follow a trailer's name through the forbidden ones; refuse it when it ends as one."""
    cdef int number
    if decoder.state == TRAILER_FIRST:
        decoder.digits = 0
        decoder.candidates = (1 << 3) - 1
    for number in range(3):
        if not decoder.candidates >> number & 1:
            continue
        if byte == c":":
            if decoder.digits == strlen(FORBIDDEN[number]):
                raise RemoteProtocolError(
                    f"trailer: expected no {FORBIDDEN[number].decode('ascii')} there", source="RFC 9110, section 6.5.1",
                )
        elif (byte | 0x20) != <unsigned char>FORBIDDEN[number][decoder.digits]:
            decoder.candidates &= ~(<uint32_t>1 << number)      # at its end stands NUL, which is nobody's lower case
    decoder.digits += 1
    return 0


cdef int refuse(int state, unsigned char byte) except -1:
    expected = EXPECTED.get(state, "chunk extension: expected ;name, ;name=token or ;name=\"text\"")
    raise RemoteProtocolError(f"{expected}, got {bytes([byte])!r}", source="RFC 9112, section 7.1")


@cython.final
cdef class ChunkedBody:
    """A chunked body that comes in pieces.

    After it raised, or said that the body ended, it is not to be used again (after the end: for the next body only).
    """

    def __cinit__(self, Py_ssize_t overhead_limit=32 * 1024):
        if overhead_limit < 0:
            raise ValueError("overhead_limit: expected 0 (none) or more")
        self.overhead_limit = overhead_limit

    def decode(self, object data):
        """Find the next bytes of the body in `data`.

        Returns:
            How many bytes were consumed, the body's bytes among them (b"" if there are none), and whether the body ended.
            Call again with the rest, until everything is consumed.

        Raises:
            RemoteProtocolError: the coding is broken; nothing that follows can be trusted (400).
            LimitExceeded: extensions and trailers together are longer than `overhead_limit` bytes (431).
        """
        cdef Py_buffer view
        cdef Py_ssize_t used = 0, found_length = 0
        cdef const unsigned char *found = NULL
        cdef ChunkEvent event
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            event = decode_chunked(
                &self._decoder, <const unsigned char *>view.buf, view.len, self.overhead_limit, &used, &found, &found_length,
            )
            return used, found[:found_length] if event == CHUNK_DATA else b"", event == CHUNK_END
        finally:
            PyBuffer_Release(&view)
