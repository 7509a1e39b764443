/* Lets the Nth call of one function fail, in threads that say so: preloaded into the process of drive.py (Linux, glibc). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

enum { MALLOC, ACCEPT4, RECV, SEND, SENDMSG, EPOLL_WAIT, EPOLL_CTL, TIMERFD_SETTIME, OPEN, WRITE, LSEEK, PTHREAD_CREATE };

static __thread int here __attribute__((tls_model("initial-exec")));    /* how deep this thread is in code that may fail */
static int target = -1;
static int error;
static long first, last, calls;

/* Calls a Python function in code that may fail.  Here, so that neither entering nor leaving can. */
extern void *PyObject_CallNoArgs(void *) __attribute__((weak));

PUBLIC void *fault_run(void *function) {
    void *result;
    here++;
    result = PyObject_CallNoArgs(function);
    here--;
    return result;
}

/* Calls number `from` to `from + times - 1` of `function` fail. */
PUBLIC void fault_arm(int function, int with, long from, long times) {
    __atomic_store_n(&target, -1, __ATOMIC_SEQ_CST);
    error = with;
    first = from;
    last = from + times - 1;
    __atomic_store_n(&calls, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&target, function, __ATOMIC_SEQ_CST);
}

/* Returns how many calls there were. */
PUBLIC long fault_disarm(void) {
    __atomic_store_n(&target, -1, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&calls, __ATOMIC_SEQ_CST);
}

/* Python up to 3.12 at least: a function's arguments are not released where there is no memory for its cells; and ContextVar.set()
   drops a token that it could not make, if its second malloc fails as well. */
static int is_pythons_defect(void) {
    enum { DEEP = 12 };
    void *frames[DEEP];
    Dl_info about;
    int i, n, before = here, found = 0;
    here = 0;                                                           /* backtrace() itself takes memory */
    n = backtrace(frames, DEEP);
    for (i = 0; i < n && !found; i++) {
        if (!dladdr(frames[i], &about) || !about.dli_sname) continue;
        found = strcmp(about.dli_sname, "PyCell_New") == 0 || (last > first && strcmp(about.dli_sname, "PyContextVar_Set") == 0);
    }
    here = before;
    return found;
}

static int fails(int function) {
    long n;
    if (!here || __atomic_load_n(&target, __ATOMIC_RELAXED) != function) return 0;
    n = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (n < first || n > last || (function == MALLOC && is_pythons_defect())) return 0;
    errno = error;
    return 1;
}

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

PUBLIC void *malloc(size_t n) { return fails(MALLOC) ? NULL : __libc_malloc(n); }
PUBLIC void *calloc(size_t n, size_t size) { return fails(MALLOC) ? NULL : __libc_calloc(n, size); }
PUBLIC void *realloc(void *p, size_t n) { return fails(MALLOC) ? NULL : __libc_realloc(p, n); }

#define NEXT(name) static __typeof__(name) *next; if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

PUBLIC int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    NEXT(accept4);
    return fails(ACCEPT4) ? -1 : next(fd, address, length, flags);
}

PUBLIC ssize_t recv(int fd, void *into, size_t n, int flags) {
    NEXT(recv);
    return fails(RECV) ? -1 : next(fd, into, n, flags);
}

PUBLIC ssize_t send(int fd, const void *p, size_t n, int flags) {
    NEXT(send);
    return fails(SEND) ? -1 : next(fd, p, n, flags);
}

PUBLIC ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    NEXT(sendmsg);
    return fails(SENDMSG) ? -1 : next(fd, message, flags);
}

PUBLIC int epoll_wait(int fd, struct epoll_event *events, int room, int timeout) {
    NEXT(epoll_wait);
    return fails(EPOLL_WAIT) ? -1 : next(fd, events, room, timeout);
}

PUBLIC int epoll_ctl(int poller, int what, int fd, struct epoll_event *event) {
    NEXT(epoll_ctl);
    return what != EPOLL_CTL_DEL && fails(EPOLL_CTL) ? -1 : next(poller, what, fd, event);
}

PUBLIC int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *before) {
    NEXT(timerfd_settime);
    return fails(TIMERFD_SETTIME) ? -1 : next(fd, flags, when, before);
}

static int open_mode(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0; }

PUBLIC int open(const char *path, int flags, ...) {
    NEXT(open);
    va_list rest;
    va_start(rest, flags);
    int mode = open_mode(flags, rest);
    va_end(rest);
    return fails(OPEN) ? -1 : next(path, flags, mode);
}

PUBLIC int open64(const char *path, int flags, ...) {
    NEXT(open64);
    va_list rest;
    va_start(rest, flags);
    int mode = open_mode(flags, rest);
    va_end(rest);
    return fails(OPEN) ? -1 : next(path, flags, mode);
}

PUBLIC ssize_t write(int fd, const void *p, size_t n) {
    NEXT(write);
    struct stat about;
    /* Of files only: a write that wakes the poller cannot fail in these ways. */
    return here && target == WRITE && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && fails(WRITE) ? -1 : next(fd, p, n);
}

PUBLIC off_t lseek(int fd, off_t offset, int from) {
    NEXT(lseek);
    return fails(LSEEK) ? -1 : next(fd, offset, from);
}

PUBLIC off64_t lseek64(int fd, off64_t offset, int from) {
    NEXT(lseek64);
    return fails(LSEEK) ? -1 : next(fd, offset, from);
}

PUBLIC int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument) {
    NEXT(pthread_create);
    return fails(PTHREAD_CREATE) ? error : next(thread, attributes, function, argument);
}
