"""The map of pooled input memory: idle connections hold none (D9)."""

cimport cython


cdef struct Block:        # bytes that came and are not yet used: data[start:end]
    Block *next           # in the free list
    Py_ssize_t capacity
    Py_ssize_t start
    Py_ssize_t end
    unsigned char *data


cdef class BlockPool:
    """Hands out blocks and takes them back; keeps at most `keep` free ones of the usual size.

    Not thread-safe: one owner, one thread at a time.
    """

    cdef Block *_free
    cdef readonly Py_ssize_t block_size     # bytes
    cdef readonly Py_ssize_t keep
    cdef readonly Py_ssize_t free_count
    cdef readonly Py_ssize_t lent           # alive; zero again when every owner has given back

    cdef Block *take(self, Py_ssize_t capacity) except NULL      # at least `capacity` bytes, start == end == 0; MemoryError
    cdef void give(self, Block *block) noexcept                  # NULL is fine
    # Room for `more` bytes after `end`, moving to the front or to a larger block; returns the block to use from now on.
    # NULL is fine: it takes one.  After a MemoryError the old block is as it was.
    cdef Block *reserve(self, Block *block, Py_ssize_t more) except NULL

    cdef Block *_allocate(self, Py_ssize_t capacity) except NULL
    cdef Block *_enlarge(self, Block *block, Py_ssize_t more) except NULL
    cdef void _free_all(self) noexcept


@cython.no_gc_clear       # __dealloc__ still needs _pool
cdef class LentBlock:
    """Bytes in pooled memory, for Python: holds a block only while there are bytes."""

    cdef BlockPool _pool
    cdef Block *_block    # NULL while empty
