"""A number that rises whenever something it watches changes: a request compares it, natively, before it trusts a plan."""


cdef class Version:
    """Shared by an app and its registries."""

    cpdef object bump(self):
        """Something changed."""
        self.number += 1
