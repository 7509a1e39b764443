"""The map of the native poller: descriptors in, events out.  epoll on Linux, kqueue on macOS and the BSDs."""

cdef enum:
    EVENTS_PER_WAIT = 128

cpdef enum:               # flags of an event
    READABLE = 1
    WRITABLE = 2
    PEER_CLOSED = 4       # the peer shut its sending side (EPOLLRDHUP); data may still wait
    FAILED = 8            # EPOLLERR or EPOLLHUP
    TIMER = 16            # wake_at() came
    WOKEN = 32            # wake() was called, perhaps from another thread
    MARK = 64             # all that was ready when mark() was called has been returned

cdef struct Event:
    void *owner           # what add() was given; NULL for TIMER, WOKEN and MARK
    int flags


cdef class Poller:
    """One descriptor that watches many.  Itself pollable: `fileno()` is readable while events wait.

    Owns its descriptors (the poller's, the timer's, the waker's).  Borrows the watched ones: remove() before close().
    """

    cdef int _fd
    cdef int _timer_fd
    cdef int _wake_fd
    cdef int _mark_fd     # made at the first mark()
    cdef Event events[EVENTS_PER_WAIT]

    # Edge-triggered for both directions, once and for all (no later change): connections.
    cdef int add(self, int fd, void *owner) except -1
    # Level-triggered, reading only: listeners.
    cdef int add_listener(self, int fd, void *owner) except -1
    cdef int remove(self, int fd) except -1
    # Fills self.events; returns how many.  timeout in milliseconds: 0 does not wait, -1 waits for ever (the GIL is released
    # unless it is 0).  EINTR counts as no event.  TIMER and WOKEN are used up by being returned.  An owner comes at most once
    # in one wait; what a later remove() took out may still stand in self.events.
    cdef int wait(self, int timeout) except -1
    # One wake-up, `delay` milliseconds from now; a later call replaces it; -1 switches it off.
    cdef int wake_at(self, long long delay) except -1
    # Thread-safe and without the GIL if need be; many calls before one wait() make one event.
    # Not at the same time as close(): hold the GIL if somebody may close.
    cdef int wake(self) noexcept nogil

    # Puts a MARK behind everything that is ready now: the kernel keeps what is ready in the order in which it became so.  False: the
    # system has no descriptor for it.
    cdef bint mark(self) noexcept nogil

    cdef void _close(self) noexcept
    cdef int _take(self, const void *ready, int n) noexcept


cdef class Watcher:
    """A Poller for Python: its owners are Python values."""

    cdef Poller _poller
    cdef dict _values     # descriptor: value

    cdef int _fd_of(self, object source) except -1
