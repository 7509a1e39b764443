// The limit of this box for echoes, and the load that measures them.
//   echo tcp PORT                    one thread, epoll: what it receives it sends back
//   echo udp PORT
//   echo drive tcp|udp PORT N SECS   N peers that each send 64 bytes and wait for them, again and again; prints how many came back
#include "loopback.h"
#include <limits.h>

#define SIZE 64
static char buf[65536];

static void serve_tcp(int port) {
    int ep = epoll_create1(0), lfd = open_bound(SOCK_STREAM, port);
    struct epoll_event ready[BATCH];
    watch(ep, lfd, EPOLLIN);
    for (;;) {
        int n = epoll_wait(ep, ready, BATCH, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == lfd) { accept_all(ep, lfd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, INT_MAX); continue; }
            for (;;) {
                ssize_t got = recv(fd, buf, sizeof buf, 0);
                if (got == 0 || (got < 0 && errno != EAGAIN)) { close(fd); break; }
                if (got < 0) break;
                if (send(fd, buf, (size_t)got, MSG_NOSIGNAL) != got) { close(fd); break; }
                if (got < (ssize_t)sizeof buf && !(ready[i].events & EPOLLRDHUP)) break;
            }
        }
    }
}

static void serve_udp(int port) {
    int ep = epoll_create1(0), fd = open_bound(SOCK_DGRAM, port);
    struct epoll_event ready[BATCH];
    watch(ep, fd, EPOLLIN);
    for (;;) {
        epoll_wait(ep, ready, BATCH, -1);
        for (;;) {
            struct sockaddr_in from;
            socklen_t length = sizeof from;
            ssize_t got = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &length);
            if (got < 0) break;
            sendto(fd, buf, (size_t)got, 0, (struct sockaddr *)&from, length);
        }
    }
}

static void drive(int kind, int port, int peers, double seconds) {
    int ep = epoll_create1(0);
    struct epoll_event ready[BATCH];
    double end = now() + seconds;
    long count = 0;
    memset(buf, 'x', SIZE);
    for (int i = 0; i < peers; i++) {
        int fd = open_connected(kind, port);
        watch(ep, fd, EPOLLIN);
        if (send(fd, buf, SIZE, 0) != SIZE) fail("send");
    }
    int waiting = peers;      // for their last answer: who closes before it cuts the connection
    while (waiting) {
        int over = now() >= end;
        int n = epoll_wait(ep, ready, BATCH, 1000);
        if (n == 0) { fprintf(stderr, "nothing came for a second\n"); exit(1); }
        for (int i = 0; i < n; i++) {
            ssize_t got = recv(ready[i].data.fd, buf, SIZE, 0);
            if (got != SIZE) { fprintf(stderr, "got %zd bytes\n", got); exit(1); }
            count++;
            if (over) waiting--;
            else if (send(ready[i].data.fd, buf, SIZE, 0) != SIZE) fail("send");
        }
    }
    printf("%ld\n", count);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "tcp")) serve_tcp(atoi(argv[2]));
    if (argc == 3 && !strcmp(argv[1], "udp")) serve_udp(atoi(argv[2]));
    if (argc != 6 || strcmp(argv[1], "drive")) { fprintf(stderr, "echo: see the first lines of echo.c\n"); return 2; }
    drive(strcmp(argv[2], "udp") ? SOCK_STREAM : SOCK_DGRAM, atoi(argv[3]), atoi(argv[4]), atof(argv[5]));
    return 0;
}
