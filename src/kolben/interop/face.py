"""The ASGI face: a handler behind somebody else's ASGI server (ASGI 3: http and lifespan).

A scope becomes the bytes of a head, and these a request, so that a handler sees what it sees behind our own server.  An async plan runs
in a task on the server's loop; a plain one in a thread, always: there is no watchdog here to rescue a loop from a call that blocks, so
none is earned to run inline, and only a route with `run="inline"` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from kolben.base.errors import RemoteProtocolError
from kolben.http import Mode
from kolben.http._response import plain_response
from kolben.http.incoming import IncomingBody
from kolben.interop._asgi import ASGIPlan
from kolben.interop.parts import Parts, take_apart

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
    from contextvars import Context

    from kolben.base import Limits
    from kolben.http import Handler, Plan, Request
    from kolben.http.plan import Lifespan
    from kolben.interop.asgi import Message, Receive, Send

__all__ = ["ASGIFace"]

log = logging.getLogger("kolben.interop")
TEXT = b"text/plain; charset=utf-8"
PATH_SAFE = "/:@!$&'()*+,;=~"
STOP_SECONDS = 30.0  # that a shutdown may take


class Refused(Exception):
    """A request that no handler sees."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ASGIFace:
    """A handler as an ASGI 3 application."""

    def __init__(self, find_handler: Callable[[], Handler], *, limits: Limits) -> None:
        self._find_handler = find_handler
        self._limits = limits
        self._pool: ThreadPoolExecutor | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one scope."""
        if scope["type"] == "http":
            await Call(self, scope, receive, send).answer()
        elif scope["type"] == "lifespan":
            await live(self._find_handler().lifespan, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1000})  # before it was accepted: 403

    @property
    def handler(self) -> Handler:
        """Who answers."""
        return self._find_handler()

    @property
    def limits(self) -> Limits:
        """What a body may take."""
        return self._limits

    async def in_thread(self, context: Context, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function that may block."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._limits.threads, thread_name_prefix="kolben")
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: context.run(function, *arguments))


async def live(lifespan: Lifespan | None, receive: Receive, send: Send) -> None:
    """Speak the lifespan protocol, from the application's side."""
    await receive()
    try:
        if lifespan is not None:
            await lifespan.startup()
    except Exception as error:
        log.exception("The app cannot start")
        await send({"type": "lifespan.startup.failed", "message": f"the app cannot start: {error!r}"})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    if lifespan is not None:
        await lifespan.shutdown(STOP_SECONDS)
    await send({"type": "lifespan.shutdown.complete"})


class Call:
    """One request and its answer."""

    def __init__(self, face: ASGIFace, scope: Message, receive: Receive, send: Send) -> None:
        self._face = face
        self._scope = scope
        self._receive = receive
        self._send = send
        self._context = copy_context()
        self._feeding: asyncio.Task[None] | None = None
        self._has_body_left = True

    async def answer(self) -> None:
        """Match, run, send."""
        try:
            request, plan = await self._prepare()
        except Refused as refusal:
            parts = take_apart(plain_response(refusal.status, TEXT, f"{refusal}\n"), None)
            await self._send_whole(parts)
            return
        if isinstance(plan, ASGIPlan):
            await plan.application(self._scope_below(plan), self._receive, self._send)
            return
        try:
            await self._run_and_send(plan, request)
        finally:
            if self._feeding is not None:
                self._feeding.cancel()

    # -- the request

    async def _prepare(self) -> tuple[Request, Plan]:
        """Find the plan, and see to the body that it needs."""
        head, has_body = head_of(self._scope)
        body: Any = SpooledTemporaryFile(self._face.limits.body_memory, prefix="kolben-") if has_body else None  # noqa: SIM115 - lives as long as its request
        request, plan = self._match(head, body)
        if body is None or isinstance(plan, ASGIPlan):
            return request, plan
        if plan.streams_body:
            return self._match(head, self._incoming())
        if plan.needs_body:
            await self._fill(body)
        return request, plan

    def _match(self, head: bytes, body: Any) -> tuple[Request, Plan]:
        while True:
            handler = self._face.handler
            cls = handler.request_class
            try:
                request = cls.from_bytes(
                    head,
                    BytesIO() if body is None else body,
                    remote=tuple(self._scope["client"]) if self._scope.get("client") else None,
                    server=tuple(self._scope.get("server") or ("localhost", 80)),
                    scheme=self._scope.get("scheme", "http"),
                )
            except RemoteProtocolError as error:
                raise Refused(error.status, str(error)) from None
            root = self._scope.get("root_path", "").rstrip("/")
            if root:
                request.root_path = root
                request.environ["SCRIPT_NAME"] = root.encode().decode("latin-1")
            plan = handler.match(request)
            if cls is handler.request_class:  # else it was exchanged since the last request
                return request, plan

    async def _fill(self, body: IO[bytes]) -> None:
        """Read the whole body: into memory, and what is long into a temporary file, off the loop."""
        limits = self._face.limits
        size = 0
        async for piece in self._pieces():
            size += len(piece)
            if limits.body and size > limits.body:
                raise Refused(413, f"the body is longer than {limits.body} bytes (RFC 9110, section 15.5.14)")
            if limits.body_memory and size > limits.body_memory:
                await asyncio.to_thread(body.write, piece)
            else:
                body.write(piece)
        body.seek(0)

    async def _pieces(self) -> Any:
        while self._has_body_left:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError("the peer is gone")
            self._has_body_left = message.get("more_body", False)
            yield message.get("body", b"")

    def _incoming(self) -> IncomingBody:
        """Make a body that is read while it comes, and fed by a task."""
        loop = asyncio.get_running_loop()
        wanted = asyncio.Event()

        def want(_: IncomingBody) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(wanted.set)

        incoming = IncomingBody(self._face.limits.body_memory, want)
        self._feeding = loop.create_task(self._feed(incoming, wanted))
        return incoming

    async def _feed(self, incoming: IncomingBody, wanted: asyncio.Event) -> None:
        limit = self._face.limits.body
        size = 0
        try:
            await wanted.wait()
            async for piece in self._pieces():
                size += len(piece)
                if limit and size > limit:
                    incoming.fail(RequestEntityTooLarge())
                    return
                wanted.clear()
                if piece and not incoming.feed(piece):
                    await wanted.wait()
            incoming.end()
        except asyncio.CancelledError:
            incoming.fail(ClientDisconnected)
            raise

    def _scope_below(self, plan: ASGIPlan) -> Message:
        scope = {**self._scope, "root_path": self._scope.get("root_path", "").rstrip("/") + plan.root_path}
        if plan.state is not None:
            scope["state"] = dict(plan.state)
        return scope

    # -- the answer

    async def _run_and_send(self, plan: Plan, request: Request) -> None:
        if plan.mode == Mode.TASK:
            response = await self._while_connected(plan.run_async(request))
            parts = self._context.copy().run(take_apart, response, request)
        elif plan.mode == Mode.INLINE and plan.pinned:
            parts = self._context.run(lambda: take_apart(plan.run(request), request))
        else:
            parts = await self._face.in_thread(self._context, lambda: take_apart(plan.run(request), request))
        try:
            await self._deliver(parts, request)
        finally:
            await self._close(parts, is_async=plan.mode == Mode.TASK)

    async def _while_connected(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in a task of its own; cancel it if the peer goes."""
        task = asyncio.get_running_loop().create_task(work, context=self._context)
        if self._feeding is not None:
            return await self._wait_for(task)  # the body's messages are somebody else's
        watcher = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait([task, watcher], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                task.cancel()
            return await self._wait_for(task)
        finally:
            watcher.cancel()
            if not task.done():
                task.cancel()

    async def _wait_for(self, task: asyncio.Task[Any]) -> Any:
        try:
            return await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            return plain_response(503, TEXT, "The request was cancelled.\n")

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _deliver(self, parts: Parts, request: Request) -> None:
        if parts.whole is not None:
            await self._send_whole(parts)
            return
        await self._start(parts)
        if hasattr(parts.pieces, "__aiter__"):
            await self._while_connected(self._stream(parts.pieces))
        else:
            await self._while_connected(self._stream_sync(parts.pieces))

    async def _start(self, parts: Parts) -> None:
        await self._send({"type": "http.response.start", "status": parts.status, "headers": parts.fields})

    async def _send_whole(self, parts: Parts) -> None:
        await self._start(parts)
        await self._send({"type": "http.response.body", "body": parts.whole})

    async def _stream(self, pieces: AsyncIterable[Any]) -> None:
        try:
            async for piece in pieces:
                await self._send_piece(piece)
        finally:
            aclose = getattr(pieces, "aclose", None)
            if aclose is not None:
                await aclose()
        await self._send({"type": "http.response.body"})

    async def _stream_sync(self, pieces: Iterable[Any]) -> None:
        iterator = iter(pieces)
        context = self._context.copy()  # ours is entered by the task that runs this
        while True:
            piece = await self._face.in_thread(context, next, iterator, None)
            if piece is None:
                break
            await self._send_piece(piece)
        await self._send({"type": "http.response.body"})

    async def _send_piece(self, piece: Any) -> None:
        data = piece.encode() if isinstance(piece, str) else bytes(piece)
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def _close(self, parts: Parts, *, is_async: bool) -> None:
        if not parts.needs_close:
            return
        try:
            if is_async:
                self._context.copy().run(parts.close)
            else:
                await self._face.in_thread(self._context.copy(), parts.close)
        except Exception:
            log.exception("Error while closing a response")


def head_of(scope: Message) -> tuple[bytes, bool]:
    """Write a scope as the head of an HTTP/1.1 message; return it, and whether a body may follow."""
    target = target_of(scope)
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    version = b"1.0" if scope.get("http_version") == "1.0" else b"1.1"
    lines = [scope["method"].encode() + b" " + target + b" HTTP/" + version]
    names = [bytes(name).lower() for name, _ in scope["headers"]]
    has_coding = b"transfer-encoding" in names
    for name, (_, value) in zip(names, scope["headers"], strict=True):
        if b"\r" in value or b"\n" in value:
            raise Refused(400, "a field's value has a line break (RFC 9110, section 5.5)")
        if not (has_coding and name == b"content-length"):
            lines.append(name + b": " + value)
    has_length = b"content-length" in names
    if not has_coding and not has_length and scope.get("http_version", "1.1") not in {"1.0", "1.1"} and scope["method"] not in BODYLESS:
        lines.append(b"transfer-encoding: chunked")  # HTTP/2 and 3 need not say that a body comes
        has_coding = True
    return b"\r\n".join([*lines, b"", b""]), has_coding or has_length


BODYLESS = {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT"}


def target_of(scope: Message) -> bytes:
    """Return the path as it was sent, below the root that the application is under."""
    root: str = scope.get("root_path", "").rstrip("/")
    raw: bytes = scope.get("raw_path") or quote(scope["path"], safe=PATH_SAFE).encode()
    raw = raw.partition(b"?")[0]
    if root:
        prefix = quote(root, safe=PATH_SAFE).encode()
        if raw == prefix or raw.startswith(prefix + b"/"):
            raw = raw[len(prefix) :]
    return raw or b"/"
