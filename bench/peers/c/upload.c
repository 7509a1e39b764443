// The limit of this box for request bodies, and the load that measures them.
//   upload serve PORT                one thread, epoll: reads heads and the bodies that their Content-Length names, answers each with 200
//   upload drive PORT PATH PEERS BYTES SECS   peers that each post so many bytes, again and again; prints how many were answered
#include "loopback.h"

#define BUF 65536
#define MAXFD 4096

static const char RESP[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 2\r\n\r\n"
    "ok";
static char buf[BUF];
static struct conn { char *body; size_t length, got; } conns[MAXFD];   // body: while it comes

static void drop(int fd) {
    free(conns[fd].body);
    conns[fd].body = NULL;
    close(fd);
}

static void answer(int fd) {
    free(conns[fd].body);
    conns[fd].body = NULL;
    if (send(fd, RESP, sizeof RESP - 1, MSG_NOSIGNAL) != (ssize_t)sizeof RESP - 1) drop(fd);
}

// The first bytes of a request: its head is in one piece, as the driver sends it.
static void begin(int fd, size_t n) {
    char *end = memmem(buf, n, "\r\n\r\n", 4), *field = memmem(buf, n, "Content-Length: ", 16);
    if (!end || !field) { drop(fd); return; }
    struct conn *c = &conns[fd];
    c->got = n - (size_t)(end + 4 - buf);
    c->length = strtoul(field + 16, NULL, 10);
    if (!(c->body = malloc(c->length)) || c->got > c->length) { drop(fd); return; }
    memcpy(c->body, end + 4, c->got);
    if (c->got == c->length) answer(fd);
}

static void serve_one(int fd) {
    struct conn *c = &conns[fd];
    for (;;) {
        size_t room = c->body ? c->length - c->got : sizeof buf;
        ssize_t n = recv(fd, c->body ? c->body + c->got : buf, room, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) { drop(fd); return; }
        if (n < 0) return;
        if (!c->body) begin(fd, (size_t)n);
        else if ((c->got += (size_t)n) == c->length) answer(fd);
        if ((size_t)n < room || !c->body) return;
    }
}

static void serve(int port) {
    int ep = epoll_create1(0), lfd = open_bound(SOCK_STREAM, port);
    struct epoll_event ready[BATCH];
    watch(ep, lfd, EPOLLIN);
    for (;;) {
        int n = epoll_wait(ep, ready, BATCH, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == lfd) accept_all(ep, lfd, EPOLLIN, MAXFD);
            else serve_one(fd);
        }
    }
}

static void post(int fd, const char *request, size_t n) {
    while (n) {
        ssize_t sent = send(fd, request, n, MSG_NOSIGNAL);
        if (sent < 0) fail("send");
        request += sent;
        n -= (size_t)sent;
    }
}

static void drive(int port, const char *path, int peers, size_t size, double seconds) {
    int ep = epoll_create1(0), waiting = peers;
    struct epoll_event ready[BATCH];
    char *request = malloc(size + 512);
    size_t n = (size_t)sprintf(request, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
                               path, size);
    double end = now() + seconds;
    long count = 0;
    memset(request + n, 'x', size);
    n += size;
    for (int i = 0; i < peers; i++) {
        int fd = open_connected(SOCK_STREAM, port);
        watch(ep, fd, EPOLLIN);
        post(fd, request, n);
    }
    while (waiting) {
        int over = now() >= end, found = epoll_wait(ep, ready, BATCH, 5000);
        if (found == 0) { fprintf(stderr, "nothing came for five seconds\n"); exit(1); }
        for (int i = 0; i < found; i++) {
            ssize_t got = recv(ready[i].data.fd, buf, sizeof buf, 0);
            if (got < 12 || memcmp(buf, "HTTP/1.1 200", 12)) { fprintf(stderr, "got %.*s\n", (int)(got < 0 ? 0 : got), buf); exit(1); }
            count++;
            if (over) waiting--;
            else post(ready[i].data.fd, request, n);
        }
    }
    printf("%ld\n", count);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "serve")) serve(atoi(argv[2]));
    if (argc != 7 || strcmp(argv[1], "drive")) { fprintf(stderr, "upload: see the first lines of upload.c\n"); return 2; }
    drive(atoi(argv[2]), argv[3], atoi(argv[4]), strtoul(argv[5], NULL, 10), atof(argv[6]));
    return 0;
}
