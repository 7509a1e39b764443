"""The map of what starts tasks."""


cdef class TaskStarter:

    cdef object loop
    cdef object all_tasks                 # asyncio's weak set
    cdef dict loop_attributes             # of the loop object; None: it has none
    cdef dict set_attributes
    cdef object keep                      # bound methods, made once
    cdef object skip
    cdef dict arguments                   # of the task's constructor, used again and again
    cdef bint is_done                     # whether the task that was started last was done when start() returned
    cdef object step                      # of the task that is being made

    cpdef object start(self, object coroutine, object context, object name)
