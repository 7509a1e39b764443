"""Peers that reset, stall, half-close or vanish in every state leave nothing behind: counted, on both kinds of loop."""

import asyncio
import contextlib
import resource
import socket
import struct

import pytest

from kolben.net import aio, connect, listen

SOON = 10
LOCAL = "127.0.0.1:0"
NOW = struct.pack("2i", 1, 0)  # struct linger: a close that resets


def cut(sock):
    """Close so that the peer gets a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    sock.close()


def receive_all(sock):
    """Until the end, or the reset."""
    while sock.recv(1 << 20):
        pass


async def send_on(stream):
    """For ever."""
    while True:
        await stream.send(b"x")
        await asyncio.sleep(0)


async def peer_of(listener):
    """A plain socket that is connected, and our stream for it."""
    sock = socket.create_connection((listener.address.host, listener.address.port), timeout=SOON)
    return sock, await listener.accept(timeout=SOON)


async def waits_for_bytes(stream):
    await stream.recv()


async def waits_for_a_number_of_bytes(stream):
    await stream.recv_exactly(1000)


async def waits_for_a_line(stream):
    async for _ in stream:
        pass


async def waits_to_send(stream):
    while True:
        await stream.send(b"x" * 65536)


async def waits_to_close(stream):
    stream.send(b"x" * 16 * 1024 * 1024)
    await stream.close()


async def waits_for_the_other_half(stream):
    await stream.send_eof()
    await stream.recv()


STATES = [waits_for_bytes, waits_for_a_number_of_bytes, waits_for_a_line, waits_to_send, waits_to_close, waits_for_the_other_half]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_peer_that_resets_ends_whoever_waits(run, state):
    """With an error that a program for sockets expects, and nothing stays."""

    async def main():
        async with await aio.listen(LOCAL) as listener:
            sock, stream = await peer_of(listener)
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(stream.close)
                waiting = asyncio.create_task(state(stream))
                await asyncio.sleep(0)
                cut(sock)
                with pytest.raises(ConnectionError):
                    await waiting
                stream.abort()

    run(main())


@pytest.mark.parametrize("state", STATES[:-1], ids=lambda state: state.__name__)
def test_a_task_that_is_cancelled_leaves_a_stream_that_can_be_cut(run, state):
    """In every state; the peer gets a reset, not an end."""

    async def main():
        async with await aio.listen(LOCAL) as listener:
            sock, stream = await peer_of(listener)
            with sock:
                waiting = asyncio.create_task(state(stream))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                stream.abort()
                with pytest.raises(ConnectionResetError):
                    receive_all(sock)

    run(main())


def test_a_loop_that_ends_with_streams_waiting_gives_everything_back(run):
    """Their tasks are cancelled by the runner; the streams are closed by who holds them."""

    async def main():
        async with await aio.listen(LOCAL) as listener:
            sock, stream = await peer_of(listener)
            with sock:

                async def hold():
                    async with stream:
                        await stream.recv()

                main.task = asyncio.create_task(hold())
                await asyncio.sleep(0)

    run(main())


def test_a_peer_that_has_closed_can_still_be_sent_to_until_it_resets(run):
    """The first send goes into the void; the reset that it causes is an error later."""

    async def main():
        async with await aio.listen(LOCAL) as listener:
            sock, stream = await peer_of(listener)
            async with stream:
                sock.close()
                assert await stream.recv() == b""
                with pytest.raises(ConnectionError):
                    await send_on(stream)

    run(main())


def test_a_slow_reader_costs_a_bounded_amount(run):
    """Ten peers that ask for 64 MiB each and read nothing."""

    async def main():
        async def serve(stream):
            with contextlib.suppress(ConnectionError):
                async with stream:
                    piece = b"x" * 65536
                    for _ in range(1024):
                        await stream.send(piece)

        async with await aio.listen(LOCAL) as listener:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            socks, tasks = [], []
            for _ in range(10):
                sock, stream = await peer_of(listener)
                socks.append(sock)
                tasks.append(asyncio.create_task(serve(stream)))
                while stream.queued <= stream.high_water:  # noqa: ASYNC110 - there is no event for it
                    await asyncio.sleep(0)
                assert stream.queued <= stream.high_water + 65536
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
            for sock in socks:
                cut(sock)
            await asyncio.wait(tasks, timeout=SOON)

    run(main())


def test_a_thousand_connects_leave_no_descriptor(run):
    """Half of them cut, half closed; fifty at a time."""

    async def main():
        async def serve(stream):
            with contextlib.suppress(ConnectionError):
                async with stream:
                    while data := await stream.recv(timeout=SOON):
                        await stream.send(data)

        async def ask(address, number):
            async with await aio.connect(address, timeout=SOON) as stream:
                await stream.send(b"x")
                assert await stream.recv(timeout=SOON) == b"x"
                if number % 2:
                    stream.abort()

        async with await aio.listen(LOCAL) as listener, asyncio.TaskGroup() as group:

            async def accept():
                async for stream in listener:
                    group.create_task(serve(stream))

            accepting = group.create_task(accept())
            for begin in range(0, 1000, 50):
                await asyncio.gather(*(ask(listener.address, number) for number in range(begin, begin + 50)))
            listener.close()
            await accepting

    run(main())


def test_a_blocking_server_meets_resets_too(in_thread):
    """In its own words."""

    def send_all(stream):
        while True:
            stream.send(b"x" * 65536, timeout=SOON)

    def serve(listener):
        with listener.accept(timeout=SOON) as stream, pytest.raises(ConnectionError):
            send_all(stream)

    with listen(LOCAL) as listener:
        in_thread(serve, listener)
        with connect(listener.address) as stream:
            stream.recv(timeout=SOON)
            stream.abort()


def test_descriptors_that_ran_out_do_not_make_a_listener_spin(run):
    """It rests, and goes on when there are some again."""

    async def main():
        async with await aio.listen(LOCAL) as listener:
            socks = [socket.socket() for _ in range(2)]
            for sock in socks:
                sock.setblocking(False)
                sock.connect_ex((listener.address.host, listener.address.port))
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            accepting = asyncio.create_task(listener.accept(timeout=SOON))
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                for _ in range(5):
                    await asyncio.sleep(0)
                assert not accepting.done()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for stream in (await accepting, await listener.accept(timeout=SOON)):
                await stream.close()
            for sock in socks:
                sock.close()

    run(main())
