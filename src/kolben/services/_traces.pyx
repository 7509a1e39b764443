"""What work leaves behind in its task: whoever goes on in it would see that.

Refuses to know what the work was, and who goes on where there are traces.
"""

cimport cython
from cpython.object cimport PyObject

from kolben.base._spent cimport references


@cython.final
cdef class Traces:

    def __init__(self, task, context):
        self.task, self.context, self.name = task, context, task.get_name()

    cpdef int note(self) except -1:
        """From here on."""
        self.task_references = references(<PyObject *>self.task)
        self.context_references = references(<PyObject *>self.context)
        return 0

    cpdef bint are_left(self) except -1:
        """Whether somebody kept or changed anything since."""
        return (
            references(<PyObject *>self.task) != self.task_references or references(<PyObject *>self.context) != self.context_references
            or len(self.context) != 0
            or self.task.get_name() != self.name or bool(getattr(self.task, "_callbacks", ()))
        )
