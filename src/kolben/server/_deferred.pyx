"""Small answers of one batch of events, sent together."""

from libc.stdint cimport int64_t

from kolben.server._watched cimport Watched, report
from kolben.wire._writer cimport Output


cdef class Deferred:

    def __cinit__(self):
        self.output = Output()

    cdef bint take(self, Watched watched, const unsigned char *p, Py_ssize_t n, int64_t now) except -1:
        if self.is_sending or n > LONGEST or self.count == AT_ONCE:
            return False
        if self.count == 0:
            self.since = now
        self.output.write(p, n)
        self.by[self.count] = <void *>watched
        self.length[self.count] = n
        self.count += 1
        watched.is_deferred = True
        return True

    cdef int send(self) except -1:
        cdef const unsigned char *p = self.output.data
        cdef int i
        cdef Watched watched
        if self.is_sending:
            return 0
        self.is_sending = True
        try:
            for i in range(self.count):
                watched = <Watched>self.by[i]
                watched.is_deferred = False
                if watched.fd >= 0:
                    try:
                        watched.send_now(p, self.length[i])
                    except BaseException:
                        report(watched)
                p += self.length[i]
        finally:
            self.count = 0
            self.output.length = 0
            self.is_sending = False
        return 0
