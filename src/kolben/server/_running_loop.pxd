"""The map of asyncio's running loop, in the calling thread."""


cdef bint is_running_loop(object loop) except -1
cdef int unset_running_loop(object loop) except -1        # it is the running one; then none is
cdef int set_running_loop(object loop) except -1          # none is; then it is
