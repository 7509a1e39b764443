"""Pooled input memory: blocks that are lent while bytes wait and given back when none do (D9).

A block and its bytes are one allocation: the struct first, then `capacity` bytes.
Refuses to know limits: whoever asks for more compares first.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcpy, memmove

from kolben.base._alive cimport BLOCKS, counts

cdef extern from *:
    """
    #define KB_LARGEST ((Py_ssize_t)(PY_SSIZE_T_MAX / 4))
    """
    Py_ssize_t KB_LARGEST       # bytes; twice as much, and the struct in front, still fit a Py_ssize_t


cdef class BlockPool:

    def __cinit__(self, Py_ssize_t block_size, Py_ssize_t keep):
        if not 0 < block_size <= KB_LARGEST:
            raise ValueError(f"block_size: expected 1 or more bytes, got {block_size}")
        if keep < 0:
            raise ValueError(f"keep: expected 0 or more blocks, got {keep}")
        self.block_size = block_size
        self.keep = keep

    def __dealloc__(self):
        self._free_all()

    cdef Block *take(self, Py_ssize_t capacity) except NULL:
        cdef Block *block = self._free
        if capacity > self.block_size or block == NULL:
            block = self._allocate(max(capacity, self.block_size))
        else:
            self._free = block.next
            self.free_count -= 1
        block.next = NULL
        block.start = block.end = 0
        self.lent += 1
        counts[BLOCKS] += 1
        return block

    cdef Block *_allocate(self, Py_ssize_t capacity) except NULL:
        cdef Block *block = NULL
        if capacity <= KB_LARGEST:
            block = <Block *>PyMem_Malloc(sizeof(Block) + capacity)
        if block == NULL:
            raise MemoryError(f"no room for a block of {capacity} bytes")
        block.capacity = capacity
        block.data = <unsigned char *>(block + 1)
        return block

    cdef void give(self, Block *block) noexcept:
        if block == NULL:
            return
        self.lent -= 1
        counts[BLOCKS] -= 1
        # A block that grew goes back to the system: one long head must not make every later one expensive.
        if block.capacity == self.block_size and self.free_count < self.keep:
            block.next = self._free
            self._free = block
            self.free_count += 1
        else:
            PyMem_Free(block)

    cdef Block *reserve(self, Block *block, Py_ssize_t more) except NULL:
        cdef Py_ssize_t used
        if block == NULL:
            return self.take(more)
        if block.capacity - block.end >= more:
            return block
        used = block.end - block.start
        if block.capacity - used >= more:
            memmove(block.data, block.data + block.start, used)
            block.start = 0
            block.end = used
            return block
        return self._enlarge(block, more)

    cdef Block *_enlarge(self, Block *block, Py_ssize_t more) except NULL:
        """Move the bytes of a block to a larger one; if there is no memory, the old block is as it was and its owner's."""
        cdef Py_ssize_t used = block.end - block.start
        cdef Block *larger
        if more > KB_LARGEST - used:
            raise MemoryError(f"no room for {more} bytes more")
        # At least twice as large: bytes that come one by one are copied a constant number of times, not once for each byte.
        larger = self.take(max(used + more, 2 * block.capacity))
        memcpy(larger.data, block.data + block.start, used)
        larger.end = used
        self.give(block)
        return larger

    cdef void _free_all(self) noexcept:
        cdef Block *block = self._free
        while block != NULL:
            self._free = block.next
            PyMem_Free(block)
            block = self._free
        self.free_count = 0

    def trim(self):
        self._free_all()


cdef class LentBlock:

    def __cinit__(self, BlockPool pool not None):
        self._pool = pool

    def __dealloc__(self):
        if self._pool is not None:      # it is None when __cinit__ failed
            self._pool.give(self._block)

    @property
    def capacity(self):
        return self._block.capacity if self._block != NULL else 0

    def __len__(self):
        return self._block.end - self._block.start if self._block != NULL else 0

    def __bytes__(self):
        if self._block == NULL:
            return b""
        return self._block.data[self._block.start:self._block.end]

    def append(self, data):
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if view.len:
                self._block = self._pool.reserve(self._block, view.len)
                memcpy(self._block.data + self._block.end, view.buf, view.len)
                self._block.end += view.len
        finally:
            PyBuffer_Release(&view)

    def consume(self, Py_ssize_t n):
        if not 0 <= n <= len(self):
            raise ValueError(f"expected 0 to {len(self)} bytes, got {n}")
        if self._block != NULL:
            self._block.start += n
            if self._block.start == self._block.end:
                self.release()

    def release(self):
        cdef Block *block = self._block
        self._block = NULL
        self._pool.give(block)
