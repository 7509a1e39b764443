"""System calls on sockets, as C declares them; errno is read with `errno` right after."""

cdef extern from * nogil:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    #include <arpa/inet.h>
    #include <sys/ioctl.h>
    #include <sys/socket.h>
    #ifdef __linux__
    #include <linux/sockios.h>
    #endif
    #include <sys/uio.h>
    #include <unistd.h>

    #ifndef MSG_NOSIGNAL        /* macOS: SO_NOSIGPIPE is set on the socket instead */
    #define MSG_NOSIGNAL 0
    #endif

    static int kolben_accept(int fd, void *address, unsigned int *length) {
    #ifdef __linux__
        return accept4(fd, (struct sockaddr *)address, (socklen_t *)length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    #else
        int one = 1, peer = accept(fd, (struct sockaddr *)address, (socklen_t *)length);
        if (peer >= 0) {
            fcntl(peer, F_SETFL, fcntl(peer, F_GETFL) | O_NONBLOCK);
            fcntl(peer, F_SETFD, FD_CLOEXEC);
            setsockopt(peer, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
        }
        return peer;
    #endif
    }

    /* A signal ends none of these: no edge of the poller would say that there is still something to do. */
    static ssize_t kolben_recv(int fd, void *into, size_t n) {
        ssize_t got;
        do got = recv(fd, into, n, 0); while (got < 0 && errno == EINTR);
        return got;
    }

    /* Whether more than the peer's end waits to be read. */
    static int kolben_has_bytes(int fd) {
        char first;
        ssize_t got;
        do got = recv(fd, &first, 1, MSG_PEEK); while (got < 0 && errno == EINTR);
        return got > 0;
    }

    static ssize_t kolben_send(int fd, const void *p, size_t n) {
        ssize_t sent;
        do sent = send(fd, p, n, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
        return sent;
    }

    static ssize_t kolben_send2(int fd, const void *a, size_t an, const void *b, size_t bn) {
        struct iovec parts[2] = {{(void *)a, an}, {(void *)b, bn}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t sent;
        do sent = sendmsg(fd, &message, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
        return sent;
    }

    /* How many bytes the kernel still keeps for a peer that has not acknowledged them; -1 where it does not tell. */
    static long kolben_unsent(int fd) {
        int n = -1;
    #ifdef SIOCOUTQ
        if (ioctl(fd, SIOCOUTQ, &n) < 0) n = -1;
    #elif defined(SO_NWRITE)
        socklen_t size = sizeof n;
        if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &n, &size) < 0) n = -1;
    #endif
        return n;
    }

    /* A close that the peer sees as a failure: what it has of the answer must not look whole. */
    static void kolben_reset_on_close(int fd) {
        struct linger now = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }

    """
    int errno
    int EAGAIN, EWOULDBLOCK, EMFILE, ENFILE, ENOBUFS, ENOMEM
    int SHUT_WR, AF_INET, AF_INET6
    ssize_t recv "kolben_recv"(int fd, void *into, size_t n)
    bint has_bytes "kolben_has_bytes"(int fd)
    ssize_t send "kolben_send"(int fd, const void *p, size_t n)
    ssize_t send2 "kolben_send2"(int fd, const void *a, size_t an, const void *b, size_t bn)
    int accept_peer "kolben_accept"(int fd, void *address, unsigned int *length)
    long unsent "kolben_unsent"(int fd)
    void reset_on_close "kolben_reset_on_close"(int fd)
    int shutdown(int fd, int how)
    int c_close "close"(int fd)
    int usleep(unsigned int microseconds)
    const char *inet_ntop(int family, const void *address, char *into, unsigned int size)
    unsigned short ntohs(unsigned short port)
    struct sockaddr_in:
        unsigned short sin_family
        unsigned short sin_port
        int sin_addr
    struct sockaddr_in6:
        unsigned short sin6_family
        unsigned short sin6_port
        int sin6_addr
