"""System calls on sockets, as C declares them; errno is read with `errno` right after.

Each repeats itself after a signal: no edge of the poller would say that there is still something to do.
"""

cdef extern from * nogil:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <netinet/in.h>
    #include <string.h>
    #include <arpa/inet.h>
    #include <sys/ioctl.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    #include <sys/un.h>
    #ifdef __linux__
    #include <linux/sockios.h>
    #endif
    #include <time.h>
    #include <unistd.h>

    #ifndef MSG_NOSIGNAL        /* macOS: SO_NOSIGPIPE is set on the socket instead */
    #define MSG_NOSIGNAL 0
    #endif

    static int kn_accept(int fd, void *address, unsigned int *length) {
        int peer;
    #ifdef __linux__
        do peer = accept4(fd, (struct sockaddr *)address, (socklen_t *)length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        while (peer < 0 && errno == EINTR);
    #else
        int one = 1;
        do peer = accept(fd, (struct sockaddr *)address, (socklen_t *)length); while (peer < 0 && errno == EINTR);
        if (peer >= 0) {
            fcntl(peer, F_SETFL, fcntl(peer, F_GETFL) | O_NONBLOCK);
            fcntl(peer, F_SETFD, FD_CLOEXEC);
            setsockopt(peer, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
        }
    #endif
        return peer;
    }

    static ssize_t kn_recv(int fd, void *into, size_t n) {
        ssize_t got;
        do got = recv(fd, into, n, 0); while (got < 0 && errno == EINTR);
        return got;
    }

    /* Into a, then into b. */
    static ssize_t kn_recv2(int fd, void *a, size_t an, void *b, size_t bn) {
        struct iovec parts[2] = {{a, an}, {b, bn}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t got;
        do got = recvmsg(fd, &message, 0); while (got < 0 && errno == EINTR);
        return got;
    }

    static ssize_t kn_send(int fd, const void *p, size_t n) {
        ssize_t sent;
        do sent = send(fd, p, n, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
        return sent;
    }

    /* Whether more than the peer's end waits to be read. */
    static int kn_has_bytes(int fd) {
        char first;
        ssize_t got;
        do got = recv(fd, &first, 1, MSG_PEEK); while (got < 0 && errno == EINTR);
        return got > 0;
    }

    static ssize_t kn_send2(int fd, const void *a, size_t an, const void *b, size_t bn) {
        struct iovec parts[2] = {{(void *)a, an}, {(void *)b, bn}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t sent;
        do sent = sendmsg(fd, &message, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
        return sent;
    }

    /* How many bytes the kernel still keeps for a peer that has not acknowledged them; -1 where it does not tell. */
    static long kn_unsent(int fd) {
        int n = -1;
    #ifdef SIOCOUTQ
        if (ioctl(fd, SIOCOUTQ, &n) < 0) n = -1;
    #elif defined(SO_NWRITE)
        socklen_t size = sizeof n;
        if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &n, &size) < 0) n = -1;
    #endif
        return n;
    }

    /* A datagram; *length is the room for the address and then its length, *truncated whether the datagram was longer than n. */
    static ssize_t kn_recv_from(int fd, void *into, size_t n, void *address, unsigned int *length, int *truncated) {
        struct iovec part = {into, n};
        struct msghdr message = {.msg_name = address, .msg_namelen = *length, .msg_iov = &part, .msg_iovlen = 1};
        ssize_t got;
        do got = recvmsg(fd, &message, 0); while (got < 0 && errno == EINTR);
        *length = message.msg_namelen;
        *truncated = got >= 0 && (message.msg_flags & MSG_TRUNC) != 0;
        return got;
    }

    static ssize_t kn_send_to(int fd, const void *p, size_t n, const void *address, unsigned int length) {
        ssize_t sent;
        do sent = sendto(fd, p, n, MSG_NOSIGNAL, (const struct sockaddr *)address, (socklen_t)length); while (sent < 0 && errno == EINTR);
        return sent;
    }

    /* A datagram to send, and to whom. */
    struct kn_parcel { const void *p; size_t n; const void *address; unsigned int length; };

    #define KN_PARCELS 16

    /* Send `count` of them, at most KN_PARCELS, by one system call where there is one for it; how many went, or -1 if the first did not. */
    static int kn_send_parcels(int fd, struct kn_parcel *parcels, int count) {
        int sent;
    #ifdef __linux__
        struct iovec parts[KN_PARCELS];
        struct mmsghdr messages[KN_PARCELS];
        for (int i = 0; i < count; i++) {
            parts[i] = (struct iovec){(void *)parcels[i].p, parcels[i].n};
            messages[i].msg_hdr = (struct msghdr){
                .msg_name = (void *)parcels[i].address, .msg_namelen = parcels[i].length, .msg_iov = &parts[i], .msg_iovlen = 1};
        }
        do sent = sendmmsg(fd, messages, (unsigned)count, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
        return sent;
    #else
        for (sent = 0; sent < count; sent++)
            if (kn_send_to(fd, parcels[sent].p, parcels[sent].n, parcels[sent].address, parcels[sent].length) < 0) break;
        return sent ? sent : -1;
    #endif
    }

    /* The socket address of one end; its length, or less than 0. */
    static int kn_socket_address(int fd, int of_peer, void *into, unsigned int room) {
        socklen_t length = room;
        int status = of_peer ? getpeername(fd, (struct sockaddr *)into, &length) : getsockname(fd, (struct sockaddr *)into, &length);
        return status < 0 ? -1 : (int)(length < room ? length : room);
    }

    /* 0, or the error that the socket has kept: how a connect ended. */
    static int kn_kept_error(int fd) {
        int error = 0;
        socklen_t size = sizeof error;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
    }

    /* A close that the peer sees as a failure: what it has must not look whole. */
    static void kn_reset_on_close(int fd) {
        struct linger now = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }

    static long long kn_microseconds(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    }
    """
    int errno
    int EAGAIN, EWOULDBLOCK, EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPIPE, ECONNRESET, ENOTCONN, ETIMEDOUT, EINVAL
    int SHUT_WR, AF_INET, AF_INET6, AF_UNIX
    int accept_peer "kn_accept"(int fd, void *address, unsigned int *length)
    ssize_t recv "kn_recv"(int fd, void *into, size_t n)
    ssize_t recv2 "kn_recv2"(int fd, void *a, size_t an, void *b, size_t bn)
    bint has_bytes "kn_has_bytes"(int fd)
    ssize_t send "kn_send"(int fd, const void *p, size_t n)
    ssize_t send2 "kn_send2"(int fd, const void *a, size_t an, const void *b, size_t bn)
    long unsent "kn_unsent"(int fd)
    ssize_t recv_from "kn_recv_from"(int fd, void *into, size_t n, void *address, unsigned int *length, int *truncated)
    ssize_t send_to "kn_send_to"(int fd, const void *p, size_t n, const void *address, unsigned int length)
    struct Parcel "kn_parcel":
        const void *p
        size_t n
        const void *address
        unsigned int length
    enum: PARCELS "KN_PARCELS"
    int send_parcels "kn_send_parcels"(int fd, Parcel *parcels, int count)
    int socket_address "kn_socket_address"(int fd, bint of_peer, void *into, unsigned int room)
    int kept_error "kn_kept_error"(int fd)
    void reset_on_close "kn_reset_on_close"(int fd)
    long long microseconds "kn_microseconds"()
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
