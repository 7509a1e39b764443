"""The two protocols that tie the server to an app it does not know."""

from kolben.http._request cimport RequestBase


cdef class Plan:

    def __cinit__(self, *args, **kwargs):
        self.mode = THREAD
        self.needs_body = True
        self.name = ""

    cpdef object run(self, RequestBase request):
        raise NotImplementedError(f"{type(self).__name__}.run()")

    cpdef object run_async(self, RequestBase request):
        raise NotImplementedError(f"{type(self).__name__}.run_async()")


cdef class Handler:

    cpdef Plan match(self, RequestBase request):
        raise NotImplementedError(f"{type(self).__name__}.match()")
