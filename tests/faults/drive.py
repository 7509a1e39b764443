"""Serves in this process while the Nth call of something fails, for every N, and looks whether everything is as before afterwards.

Run by test_faults.py and tools/faults.sh with shim.c preloaded and PYTHONMALLOC=malloc.  What is asked for fails in the turns of the
reactor and in the jobs of the pool, not in the event loop around them and not in the peers, who are here as well.

After each failure: the process lives; every request was answered, or its connection ended; an answer with status 200 is right; the
server answers; no descriptor, connection, request, block, task or file is left.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import errno
import faulthandler
import gc
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections import Counter
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.server.conftest import INLINE, TASK, THREAD, Peer, Running, View, Views

from kolben.app import App
from kolben.base._alive import alive
from kolben.flask import g, jsonify, request, session
from kolben.http import Response
from kolben.server import execution, serving

SOON = 10  # seconds until which everything has been answered or has ended
FUNCTIONS = {
    name: number
    for number, name in enumerate(  # as in shim.c
        [
            *("malloc", "accept4", "recv", "send", "sendmsg", "epoll_wait", "epoll_ctl", "timerfd_settime"),
            *("open", "write", "lseek", "pthread_create"),
        ]
    )
}
FAILURES = {
    "malloc": ["ENOMEM"],
    "accept4": ["EINTR", "EAGAIN", "ECONNABORTED", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"],
    "recv": ["ECONNRESET", "EINTR", "ENOBUFS", "ETIMEDOUT"],
    "send": ["ECONNRESET", "EINTR", "EPIPE", "ENOBUFS"],
    "sendmsg": ["ECONNRESET", "EINTR", "EPIPE", "ENOBUFS"],
    "epoll_wait": ["EINTR", "ENOMEM"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "timerfd_settime": ["ENOMEM"],
    "open": ["EMFILE", "ENOSPC", "EACCES", "EROFS", "EINTR"],
    "write": ["ENOSPC", "EIO", "EDQUOT", "EINTR"],
    "lseek": ["EIO"],
    "pthread_create": ["EAGAIN"],
}
MANY = 40  # calls that fail one after the other, beside only one
REST_MANY = 2  # of accept4: the server rests half a second after each
DATA = bytes(range(256)) * 800  # more than stays in memory

shim = ctypes.PyDLL(None)
shim.fault_run.argtypes, shim.fault_run.restype = [ctypes.py_object], ctypes.py_object
shim.fault_arm.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
shim.fault_disarm.restype = ctypes.c_long


class Finding(Exception):
    """Something is not as it should be."""


# -- code in which calls fail


class Loop(asyncio.SelectorEventLoop):
    """Marks the turns of the reactor."""

    def add_reader(self, fd, callback, *args):
        return super().add_reader(fd, marked(callback) if is_turn(callback) else callback, *args)

    def call_soon(self, callback, *args, context=None):
        return super().call_soon(marked(callback) if is_turn(callback) else callback, *args, context=context)


def is_turn(callback):
    return getattr(callback, "__name__", "") in {"turn", "asked_turn"}


def marked(function):
    return partial(shim.fault_run, function)


class Executor(execution.Executor):
    """Marks the jobs."""

    def _put(self, job):
        return super()._put(marked(job))


# -- what is served


def echo(request):
    return request.get_data()


async def task(request):
    return request.get_data()


async def later(_):
    await asyncio.sleep(0)
    return "later"


def lazy(_):
    return Response(iter([b"abc", b"def"]))


async def async_lazy(_):
    async def pieces():
        yield b"abc"
        await asyncio.sleep(0)
        yield b"def"

    return Response(pieces())


def upload(request):
    return request.stream.read()


async def async_upload(request):
    return await request.stream.aread()


def make_app():
    app = App("faults")
    app.secret_key = "k"

    @app.before_request
    def before():
        g.user = request.headers.get("X-User", "nobody")

    @app.get("/app/<int:number>")
    def show(number):
        session["seen"] = number
        return jsonify(number=number, user=g.user, word=request.args.get("word"))

    @app.post("/app/form")
    def form():
        return request.form["a"]

    @app.teardown_request
    def after(_):
        g.user = None

    return app


class Handler(Views):
    """Views, and an app under /app."""

    def __init__(self):
        super().__init__(
            {
                "/inline": View(echo, mode=INLINE),
                "/thread": View(echo, mode=THREAD),
                "/task": View(task),
                "/later": View(later),
                "/lazy": View(lazy, mode=THREAD),
                "/inline-lazy": View(lazy, mode=INLINE),
                "/async-lazy": View(async_lazy),
                "/large": View(lambda _: DATA * 10, mode=INLINE),
                "/upload": View(upload, mode=THREAD, streams_body=True),
                "/async-upload": View(async_upload, mode=TASK, streams_body=True),
            },
        )
        app = make_app()
        self.request_class = app.request_class
        self.app = app.handler

    def match(self, request):
        return self.app.match(request) if request.path.startswith("/app/") else super().match(request)


# -- what is asked


def chunked(path, body):
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(body[i : i + 5000]), body[i : i + 5000]) for i in range(0, len(body), 5000))
    return b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (path, pieces)


def sized(path, body, *fields):
    head = b"".join(field + b"\r\n" for field in fields)
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (path, head, len(body), body)


def get(path, *fields):
    return b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (path, b"".join(field + b"\r\n" for field in fields))


FORM = b"Content-Type: application/x-www-form-urlencoded"
CLOSE = b"Connection: close"
# Each: messages on one connection, and the bodies of their answers if these are 200.
EXCHANGES = {
    "pipelined": (get(b"/inline") * 3 + get(b"/inline", CLOSE), [b""] * 4),
    "tasks": (get(b"/task") + get(b"/later"), [b"", b"later"]),
    "thread": (get(b"/thread"), [b""]),
    "bodies": (sized(b"/inline", b"abc") + chunked(b"/task", b"def" * 4000), [b"abc", b"def" * 4000]),
    "spooled": (sized(b"/thread", DATA) + chunked(b"/inline", DATA), [DATA, DATA]),
    "lazy": (get(b"/lazy") + get(b"/async-lazy") + get(b"/inline-lazy"), [b"abcdef"] * 3),
    "large": (get(b"/large") + get(b"/inline"), [DATA * 10, b""]),
    "upload": (sized(b"/upload", DATA) + chunked(b"/async-upload", DATA), [DATA, DATA]),
    "refused": (get(b"/nowhere") + b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", [None, None]),
    "app": (
        get(b"/app/7?word=b", b"X-User: u") + sized(b"/app/form", b"a=1", FORM) + get(b"/app/x"),
        [b'{"number":7,"user":"u","word":"b"}\n', b"1", None],
    ),
}


def ask(address, name):
    """One exchange; every answer is right, or an error, or does not come because the connection ends."""
    messages, bodies = EXCHANGES[name]
    peer = Peer(address)
    peer.socket.settimeout(SOON)
    sender = threading.Thread(target=send, args=(peer, messages))
    sender.start()
    try:
        for body in bodies:
            answer = peer.answer()
            if answer.status == 200 and answer.body != body:
                raise Finding(f"a wrong answer: {answer}")
            if answer.status == 408:
                raise Finding("the server waited for what was sent")
    except TimeoutError:
        raise Finding("a request was neither answered nor cut") from None
    except (AssertionError, ConnectionError, ValueError):
        pass  # it ended; ValueError: between two chunks
    finally:
        peer.close()
        sender.join()


def send(peer, messages):
    with contextlib.suppress(OSError):
        peer.send(messages)


# -- what has to be as before


def state(running):
    counts = Counter(alive())
    counts.update(active=running.engine.active, lent=running.engine.blocks.lent, spooled=running.engine.spool_quota.recount())
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            counts[re.sub(r"\d+", "", os.readlink(f"/proc/self/fd/{fd}"))] += 1
    return counts


def ensure_as_before(running, before):
    """Wait for what still ends; then nothing may be left, and a request is answered."""
    deadline = time.monotonic() + SOON
    answer = None
    while answer is None:
        try:
            peer = Peer(running.address)
            peer.socket.settimeout(SOON)
            peer.get("/inline")
            answer = peer.answer()
        except (OSError, AssertionError) as error:
            if time.monotonic() > deadline:
                raise Finding(f"the server does not answer any more: {error!r}") from None
        finally:
            peer.close()
    if answer.status != 200:
        raise Finding(f"the server is not as before: {answer}")
    tries = 0
    while left := state(running) - before:
        tries += 1
        if time.monotonic() > deadline:
            raise Finding(f"left behind: {dict(left)}")
        if tries > 20:
            gc.collect()
        time.sleep(0.0005)
    if running.failure is not None or not running.thread.is_alive():
        raise Finding(f"the server ended: {running.failure!r}")


class Quiet(logging.Handler):
    """Formats, as a handler that writes would, and writes nothing, unless a call was named with --only."""

    is_loud = "--only" in sys.argv

    def emit(self, record):
        with contextlib.suppress(MemoryError):
            text = self.format(record)
            if self.is_loud:
                print(text, file=sys.stderr)


def serve():
    faulthandler.enable()
    if "--only" in sys.argv:
        faulthandler.dump_traceback_later(2.5)
    serving.new_event_loop = Loop
    serving.Executor = Executor
    logging.getLogger().addHandler(Quiet())
    logging.getLogger().setLevel(logging.DEBUG)
    logging.raiseExceptions = False
    sys.unraisablehook = threading.excepthook = lambda _: None
    limits = serving.Limits(threads=2)
    return Running(Handler(), clock=None, limits=limits, timeouts=serving.Timeouts(graceful=1, lingering=0.2))


def numbers(total, share):
    """Which calls are to fail: all, or `share` of them, evenly."""
    return range(1, total + 1) if not share else sorted({1 + i * total // share for i in range(share) if total})


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--function", choices=FUNCTIONS, action="append")
    parser.add_argument("--exchange", choices=EXCHANGES, action="append")
    parser.add_argument("--share", type=int, default=0, help="so many failures of each kind in each exchange; 0: each call")
    parser.add_argument("--first", action="store_true", help="each function with the first of its errors alone")
    parser.add_argument("--only", type=int, help="the number of one call")
    parser.add_argument("--times", type=int, action="append", help="how many calls fail from there on (1, and MANY)")
    parser.add_argument("--keep-going", action="store_true", help="list findings instead of ending at the first")
    options = parser.parse_args()
    running = serve()
    for name in EXCHANGES:  # everything that is loaded or made only once
        for _ in range(3):
            ask(running.address, name)
    time.sleep(0.3)  # what lingers has ended
    gc.collect()
    before = state(running)
    done = findings = 0
    for function in options.function or FUNCTIONS:
        for name in options.exchange or (["pipelined"] if function == "accept4" else EXCHANGES):
            shim.fault_arm(FUNCTIONS[function], 0, -1, 0)
            ask(running.address, name)
            total = shim.fault_disarm()
            for error in FAILURES[function][: 1 if options.first else None]:
                for times in options.times or (1, REST_MANY if function == "accept4" else MANY):
                    for number in [options.only] if options.only else numbers(total, options.share):
                        done += 1
                        try:
                            shim.fault_arm(FUNCTIONS[function], getattr(errno, error), number, times)
                            try:
                                ask(running.address, name)
                            finally:
                                shim.fault_disarm()
                            ensure_as_before(running, before)
                        except Finding as finding:
                            findings += 1
                            print(f"{name}: {function} number {number} of {total} fails {times} times with {error}: {finding}", flush=True)
                            if not options.keep_going:
                                os._exit(1)
                            before = state(running)
    running.stop()
    print(f"{done} failures, {findings} findings")
    return findings > 0


if __name__ == "__main__":
    try:
        status = main()
    except BaseException:
        traceback.print_exc()
        status = 2
    sys.stdout.flush()
    os._exit(status)  # whatever a finding has left running
