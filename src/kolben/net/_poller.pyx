"""The native poller: descriptors in, events out.

The C block has one face and two bodies, epoll and kqueue, chosen by the preprocessor.  Its functions return 0 or more, or a
negative errno: errno itself would have to survive taking the GIL back.  The kqueue body is UNTESTED until somebody runs
tests/net on macOS or a BSD.

Refuses to know what stands behind a descriptor, what an owner is, and when the next deadline is.

Invariants: the timer and the waker are edge-triggered and never read.  An expiry, or a write, is an edge whether or not the
one before was read, and setting or switching off the timer takes back an expiry that was not yet returned.  So a wake-up
costs no system call but the wait itself.
"""

from os import strerror

cdef extern from * nogil:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <stdint.h>
    #include <unistd.h>

    enum { KB_READABLE = 1, KB_WRITABLE = 2, KB_PEER_CLOSED = 4, KB_FAILED = 8, KB_TIMER = 16, KB_WOKEN = 32, KB_MARK = 64 };

    #if defined(__linux__)

    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    #include <sys/timerfd.h>

    typedef struct epoll_event kb_ready;

    /* What the kernel gives back for the poller's own descriptors; no owner has these addresses. */
    static char kb_timer_mark, kb_wake_mark, kb_queue_mark;

    static int kb_watch(int poller, int fd, void *owner, uint32_t flags) {
        struct epoll_event event = {.events = flags, .data = {.ptr = owner}};
        return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
    }

    static int kb_open(int *poller, int *timer, int *waker) {
        int status;
        if ((*poller = epoll_create1(EPOLL_CLOEXEC)) < 0) return -errno;
        if ((*timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) < 0) return -errno;
        if ((*waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) return -errno;
        if ((status = kb_watch(*poller, *timer, &kb_timer_mark, EPOLLIN | EPOLLET)) < 0) return status;
        return kb_watch(*poller, *waker, &kb_wake_mark, EPOLLIN | EPOLLET);
    }

    static int kb_add(int poller, int fd, void *owner) {
        return kb_watch(poller, fd, owner, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }

    static int kb_add_listener(int poller, int fd, void *owner) {
        return kb_watch(poller, fd, owner, EPOLLIN);
    }

    static int kb_remove(int poller, int fd) {
        struct epoll_event unused = {0};        /* Linux before 2.6.9 wanted one */
        return epoll_ctl(poller, EPOLL_CTL_DEL, fd, &unused) < 0 ? -errno : 0;
    }

    static int kb_wait(int poller, kb_ready *ready, int room, int timeout) {
        int n = epoll_wait(poller, ready, room, timeout);
        return n < 0 ? -errno : n;
    }

    static int kb_flags(const kb_ready *ready) {
        uint32_t got = ready->events;
        if (ready->data.ptr == &kb_timer_mark) return KB_TIMER;
        if (ready->data.ptr == &kb_wake_mark) return KB_WOKEN;
        if (ready->data.ptr == &kb_queue_mark) return KB_MARK;
        return (got & EPOLLIN ? KB_READABLE : 0) | (got & EPOLLOUT ? KB_WRITABLE : 0)
            | (got & EPOLLRDHUP ? KB_PEER_CLOSED : 0) | (got & (EPOLLERR | EPOLLHUP) ? KB_FAILED : 0);
    }

    static void *kb_owner(const kb_ready *ready) {
        void *owner = ready->data.ptr;
        return owner == &kb_timer_mark || owner == &kb_wake_mark || owner == &kb_queue_mark ? NULL : owner;
    }

    static int kb_splits_events(void) { return 0; }

    static int kb_wake_at(int poller, int timer, long long delay) {
        struct itimerspec when = {{0, 0}, {0, 0}};
        (void)poller;
        if (delay >= 0) {
            when.it_value.tv_sec = (time_t)(delay / 1000);
            when.it_value.tv_nsec = (long)(delay % 1000) * 1000000L;
            if (delay == 0) when.it_value.tv_nsec = 1;      /* all zeros would switch it off */
        }
        return timerfd_settime(timer, 0, &when, NULL) < 0 ? -errno : 0;
    }

    static void kb_wake(int poller, int waker) {
        uint64_t one = 1;
        int saved = errno;
        (void)poller;
        while (write(waker, &one, sizeof one) < 0 && errno == EINTR) { }
        errno = saved;
    }

    static int kb_mark(int poller, int *marker) {
        uint64_t one = 1;
        int status;
        if (*marker < 0) {
            if ((*marker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) return -errno;
            if ((status = kb_watch(poller, *marker, &kb_queue_mark, EPOLLIN | EPOLLET)) < 0) {
                close(*marker);
                *marker = -1;
                return status;
            }
        }
        return write(*marker, &one, sizeof one) < 0 ? -errno : 0;
    }

    #else /* kqueue: macOS, FreeBSD, NetBSD, OpenBSD */

    #include <sys/types.h>
    #include <sys/event.h>
    #include <sys/time.h>
    #include <time.h>

    typedef struct kevent kb_ready;

    static int kb_change(int poller, uintptr_t ident, int filter, int flags, unsigned int fflags, intptr_t data, void *owner) {
        struct kevent change;
        EV_SET(&change, ident, filter, flags, fflags, data, owner);
        return kevent(poller, &change, 1, NULL, 0, NULL) < 0 ? -errno : 0;
    }

    static int kb_open(int *poller, int *timer, int *waker) {
        *timer = *waker = -1;                   /* both are filters of the kqueue itself */
        if ((*poller = kqueue()) < 0) return -errno;
        if (fcntl(*poller, F_SETFD, FD_CLOEXEC) < 0) return -errno;
        return kb_change(*poller, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
    }

    static int kb_add(int poller, int fd, void *owner) {
        int status = kb_change(poller, (uintptr_t)fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, owner);
        if (status < 0) return status;
        status = kb_change(poller, (uintptr_t)fd, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, owner);
        if (status < 0) kb_change(poller, (uintptr_t)fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
        return status;
    }

    static int kb_add_listener(int poller, int fd, void *owner) {
        return kb_change(poller, (uintptr_t)fd, EVFILT_READ, EV_ADD, 0, 0, owner);
    }

    static int kb_remove(int poller, int fd) {
        int status = kb_change(poller, (uintptr_t)fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
        if (status < 0 && status != -ENOENT) return status;     /* a listener has no such filter */
        return kb_change(poller, (uintptr_t)fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
    }

    static int kb_wait(int poller, kb_ready *ready, int room, int timeout) {
        struct timespec limit = {timeout / 1000, (long)(timeout % 1000) * 1000000L};
        int n = kevent(poller, NULL, 0, ready, room, timeout < 0 ? NULL : &limit);
        return n < 0 ? -errno : n;
    }

    static int kb_flags(const kb_ready *ready) {
        int failed = ready->flags & EV_ERROR || (ready->flags & EV_EOF && ready->fflags) ? KB_FAILED : 0;
        switch (ready->filter) {
        case EVFILT_TIMER: return KB_TIMER;
        case EVFILT_USER: return ready->ident == 1 ? KB_MARK : KB_WOKEN;
        case EVFILT_READ: return KB_READABLE | (ready->flags & EV_EOF ? KB_PEER_CLOSED : 0) | failed;
        default: return KB_WRITABLE | (ready->flags & EV_EOF ? KB_FAILED : 0) | failed;
        }
    }

    static void *kb_owner(const kb_ready *ready) {
        return ready->filter == EVFILT_TIMER || ready->filter == EVFILT_USER ? NULL : ready->udata;
    }

    static int kb_splits_events(void) { return 1; }

    static int kb_wake_at(int poller, int timer, long long delay) {
        int status;
        (void)timer;
        if (delay >= 0)         /* data counts milliseconds by default; adding it again replaces it */
            return kb_change(poller, 0, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, delay > 0 ? (intptr_t)delay : 1, NULL);
        status = kb_change(poller, 0, EVFILT_TIMER, EV_DELETE, 0, 0, NULL);
        return status == -ENOENT ? 0 : status;
    }

    static void kb_wake(int poller, int waker) {
        int saved = errno;
        (void)waker;
        while (kb_change(poller, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL) == -EINTR) { }
        errno = saved;
    }

    static int kb_mark(int poller, int *marker) {
        int status;
        (void)marker;
        status = kb_change(poller, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
        return status < 0 ? status : kb_change(poller, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    }

    #endif
    """
    ctypedef struct kb_ready:
        pass

    int kb_open(int *poller, int *timer, int *waker)
    int kb_add(int poller, int fd, void *owner)
    int kb_add_listener(int poller, int fd, void *owner)
    int kb_remove(int poller, int fd)
    int kb_wait(int poller, kb_ready *ready, int room, int timeout)
    int kb_flags(const kb_ready *ready)
    void *kb_owner(const kb_ready *ready)
    int kb_splits_events()      # whether one descriptor may come twice in one wait
    int kb_wake_at(int poller, int timer, long long delay)
    void kb_wake(int poller, int waker)
    int kb_mark(int poller, int *marker)

cdef extern from "<unistd.h>" nogil:
    int c_close "close"(int fd)

cdef extern from "<errno.h>":
    enum:
        EINTR


cdef int fail(int status) except -1:
    """Raise the OSError (of the right subclass) that a negative errno stands for."""
    raise OSError(-status, strerror(-status))


cdef class Poller:

    def __cinit__(self):
        cdef int status
        self._fd = self._timer_fd = self._wake_fd = self._mark_fd = -1
        status = kb_open(&self._fd, &self._timer_fd, &self._wake_fd)
        if status < 0:
            fail(status)        # __dealloc__ closes what was opened

    def __dealloc__(self):
        self._close()

    cdef void _close(self) noexcept:
        cdef int fds[4]
        cdef int fd
        # Forgotten before closed: wake() of another thread must not write to a descriptor that is somebody else's by now.
        fds[0], fds[1], fds[2], fds[3] = self._wake_fd, self._timer_fd, self._mark_fd, self._fd
        self._wake_fd = self._timer_fd = self._mark_fd = self._fd = -1
        for fd in fds:
            if fd >= 0:
                c_close(fd)

    cdef int add(self, int fd, void *owner) except -1:
        cdef int status = kb_add(self._fd, fd, owner)
        return status if status >= 0 else fail(status)

    cdef int add_listener(self, int fd, void *owner) except -1:
        cdef int status = kb_add_listener(self._fd, fd, owner)
        return status if status >= 0 else fail(status)

    cdef int remove(self, int fd) except -1:
        cdef int status = kb_remove(self._fd, fd)
        return status if status >= 0 else fail(status)

    cdef int wait(self, int timeout) except -1:
        cdef kb_ready ready[EVENTS_PER_WAIT]
        cdef int n
        if timeout == 0:
            n = kb_wait(self._fd, ready, EVENTS_PER_WAIT, 0)
        else:
            with nogil:
                n = kb_wait(self._fd, ready, EVENTS_PER_WAIT, timeout)
        if n < 0:
            return 0 if n == -EINTR else fail(n)
        return self._take(ready, n)

    cdef int _take(self, const void *kernel_events, int n) noexcept:
        """Translate the kernel's n events into self.events; return how many that makes.  Borrows them for this call."""
        cdef const kb_ready *ready = <const kb_ready *>kernel_events
        cdef int i, j, count = 0
        cdef void *owner
        for i in range(n):
            owner = kb_owner(ready + i)
            j = count
            if owner != NULL and kb_splits_events():
                # One event for one owner: whoever closes it at the first must not meet it again at the second.
                for j in range(count):
                    if self.events[j].owner == owner:
                        break
                else:
                    j = count
            if j == count:
                self.events[j].owner = owner
                self.events[j].flags = 0
                count += 1
            self.events[j].flags |= kb_flags(ready + i)
        return count

    cdef int wake_at(self, long long delay) except -1:
        cdef int status = kb_wake_at(self._fd, self._timer_fd, delay)
        return status if status >= 0 else fail(status)

    cdef int wake(self) noexcept nogil:
        kb_wake(self._fd, self._wake_fd)
        return 0

    cdef bint mark(self) noexcept nogil:
        return kb_mark(self._fd, &self._mark_fd) >= 0

    def fileno(self):
        if self._fd < 0:
            raise ValueError("the poller is closed")
        return self._fd

    def close(self):
        self._close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._close()


cdef class Watcher:

    def __cinit__(self):
        self._poller = Poller()
        self._values = {}

    cdef int _fd_of(self, object source) except -1:
        return source if isinstance(source, int) else source.fileno()

    def watch(self, source, value):
        cdef int fd = self._fd_of(source)
        # The owner is the descriptor (plus one, for 0 would be NULL), not the value: a value may go while another thread waits.
        self._poller.add(fd, <void *><size_t>(fd + 1))
        self._values[fd] = value

    def watch_listener(self, source, value):
        cdef int fd = self._fd_of(source)
        self._poller.add_listener(fd, <void *><size_t>(fd + 1))
        self._values[fd] = value

    def forget(self, source):
        cdef int fd = self._fd_of(source)
        self._poller.remove(fd)
        del self._values[fd]

    def wait(self, int timeout):
        cdef int i, n = self._poller.wait(timeout)
        cdef size_t owner
        found = []
        for i in range(n):
            owner = <size_t>self._poller.events[i].owner
            found.append((self._values.get(owner - 1) if owner else None, self._poller.events[i].flags))
        return found

    def wake_at(self, long long delay):
        self._poller.wake_at(delay)

    def wake(self):
        self._poller.wake()

    def mark(self):
        return self._poller.mark()

    def fileno(self):
        return self._poller.fileno()

    def close(self):
        self._poller.close()
        self._values.clear()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()
