"""The map of the number that tells whether anything registered has changed."""


cdef class Version:

    cdef object __weakref__
    cdef public long long number

    cpdef object bump(self)
