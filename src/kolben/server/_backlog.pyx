"""When the server is too far behind to take more requests, and when it has caught up.

Under a load beyond its capacity a queue grows until whoever waits in it has given up: then all work is for nobody.  A queue that only
absorbs a burst does no harm.  So one rule, after CoDel (Nichols and Jacobson, 2012) and what Facebook made of it for servers, for each
of the two queues there are: what waits in the kernel and in the ready list for the loop, and what waits for a thread.

    state     what happens                                                              then the state is
    CALM      a request waited longer than a burst should make it wait: it is refused   BEHIND
    CALM      a queue is full                                                           BEHIND
    BEHIND    for the loop: a request waited longer than its target: refused            BEHIND
    BEHIND    for a thread: as many wait as there are threads: one more is refused      BEHIND
    BEHIND    over a window, a sixteenth of the time, or of the threads asked, was idle CALM

In BEHIND there is always enough waiting to work without a pause, so as many are answered as ever, soon; and whoever is refused learns
it soon, and can go elsewhere.  That nobody was refused for a while would be no sign that it may end: a busy server that keeps up lets
some wait, too.
"""

import logging

from libc.stdint cimport int64_t

cdef object log = logging.getLogger("kolben.server")


cdef class Backlog:

    def __init__(self, str what not None, double patience, double target):
        self.what = what
        self.patience = <int64_t>(patience * 1000000) if patience else NEVER
        self.target = min(<int64_t>(target * 1000000), self.patience)

    cdef bint is_too_long(self, int64_t waited, int64_t now) except -1:
        if waited <= (self.target if self.behind else self.patience):
            return False
        self.fall_behind(now)
        return True

    cdef int fall_behind(self, int64_t now) except -1:
        if self.behind or self.patience == NEVER:
            return 0
        self.behind = True
        self.window = now
        self.idle = self.total = 0
        log.warning("Requests wait too long for %s: further ones are refused with 503 until that is over", self.what)
        return 0

    cdef int observe(self, int64_t idle, int64_t total, int64_t now) except -1:
        if not self.behind:
            return 0
        self.idle += idle
        self.total += total
        if now - self.window < WINDOW:
            return 0
        if self.idle * IDLE_SHARE >= self.total:
            self.behind = False
            log.warning("Requests do not wait for %s any more; %d were refused", self.what, self.refused)
            self.refused = 0
        self.window = now
        self.idle = self.total = 0
        return 0
