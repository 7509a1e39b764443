// What the servers and loads in this folder share: sockets of 127.0.0.1 behind one epoll, and the clock.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 128             // events of one epoll_wait

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in local(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void watch(int ep, int fd, unsigned events) {
    struct epoll_event e = {.events = events, .data = {.fd = fd}};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0) fail("epoll_ctl");
}

static int open_bound(int kind, int port) {
    int one = 1, fd = socket(AF_INET, kind | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = local(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0) fail("bind");
    if (kind == SOCK_STREAM && listen(fd, 1024) < 0) fail("listen");
    return fd;
}

static int open_connected(int kind, int port) {
    int one = 1, fd = socket(AF_INET, kind, 0);
    struct sockaddr_in a = local(port);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) fail("connect");
    if (kind == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

// Accept who waits; a descriptor of `most` or more is closed at once.
static inline void accept_all(int ep, int lfd, unsigned events, int most) {
    int fd, one = 1;
    while ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= most) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(ep, fd, events);
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
