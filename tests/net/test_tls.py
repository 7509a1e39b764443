"""TLS in both forms: ours with ours, and with Python's ssl."""

import asyncio
import socket
import ssl

import pytest

from kolben.base import UsageError
from kolben.net import aio, connect, listen
from kolben.net.errors import TimedOutError, TLSError

SOON = 10
LOCAL = "tls://127.0.0.1:0"


async def receive(listener):
    """Accept one stream, and receive once."""
    async with await listener.accept(timeout=SOON) as stream:
        return await stream.recv(timeout=SOON)


def test_streams_speak_tls(run, server_tls, client_tls):
    """The address says so, and both directions end by themselves."""

    async def main():
        async with await aio.listen(LOCAL, tls=server_tls) as listener:
            assert str(listener.address).startswith("tls://127.0.0.1:")

            async def serve():
                async with await listener.accept(timeout=SOON) as stream:
                    assert await stream.recv_until(b"\n") == b"question\n"
                    assert await stream.recv() == b""
                    await stream.send(b"x" * 300_000)

            serving = asyncio.create_task(serve())
            async with await aio.connect(listener.address, tls=client_tls) as stream:
                await stream.send(b"question\n")
                await stream.send_eof()
                assert await stream.recv_exactly(300_000) == b"x" * 300_000
                assert await stream.recv() == b""
            await serving

    run(main())


def test_a_blocking_client_speaks_with_an_awaiting_server(run, server_tls, client_tls):
    """And ends as it should."""

    def ask(address):
        with connect(address, tls=client_tls, timeout=SOON) as stream:
            stream.timeout = SOON
            stream.send(b"a\nb\n")
            stream.send_eof()
            return list(stream)

    async def main():
        async with await aio.listen(LOCAL, tls=server_tls) as listener:
            asking = asyncio.create_task(asyncio.to_thread(ask, listener.address))
            async with await listener.accept(timeout=SOON) as stream:
                async for line in stream:
                    await stream.send(line.upper())
            assert await asking == [b"A\n", b"B\n"]

    run(main())


def test_pythons_client_speaks_with_our_blocking_server(server_tls, client_tls, in_thread):
    """The handshake is part of the first call."""

    def serve(listener):
        with listener.accept(timeout=SOON) as stream:
            stream.timeout = SOON
            stream.send(stream.recv())

    with listen(LOCAL, tls=server_tls) as listener:
        in_thread(serve, listener)
        sock = socket.create_connection(("127.0.0.1", listener.address.port), timeout=SOON)
        with client_tls.wrap_socket(sock, server_hostname="localhost") as peer:
            peer.sendall(b"echo")
            assert peer.recv(10) == b"echo"
            assert peer.recv(10) == b""


def test_our_client_speaks_with_asyncios_server(run, server_tls, client_tls):
    """Half-closed by us, it still answers nothing more: asyncio ends both directions."""

    async def main():
        async def serve(reader, writer):
            writer.write(await reader.readline())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_tls)
        async with server:
            port = server.sockets[0].getsockname()[1]
            async with await aio.connect(f"tls://127.0.0.1:{port}", tls=client_tls) as stream:
                await stream.send(b"line\n")
                assert await stream.recv() == b"line\n"
                assert await stream.recv() == b""

    run(main())


def test_a_stream_is_upgraded_in_place(run, server_tls, client_tls):
    """As STARTTLS does; nothing that came in the open may come after it."""

    async def main():
        async with await aio.listen("127.0.0.1:0") as listener:
            async with await aio.connect(listener.address) as near, await listener.accept() as far:
                await near.send(b"STARTTLS\n")
                assert await far.recv_until(b"\n") == b"STARTTLS\n"
                await asyncio.gather(far.start_tls(server_tls, server_side=True), near.start_tls(client_tls, server_hostname="localhost"))
                await near.send(b"secret")
                assert await far.recv() == b"secret"
            async with await aio.connect(listener.address) as near, await listener.accept() as far:
                await near.send(b"STARTTLS\nput in\n")
                assert await far.recv_until(b"\n") == b"STARTTLS\n"
                with pytest.raises(TLSError, match="7 bytes came in the open"):
                    await far.start_tls(server_tls, server_side=True)

    run(main())


def test_a_certificate_nobody_trusts_is_refused_in_words(run, server_tls):
    """By both ends; nothing was sent."""

    async def main():
        async with await aio.listen(LOCAL, tls=server_tls) as listener:
            receiving = asyncio.create_task(receive(listener))
            with pytest.raises(TLSError, match=r"self-signed certificate.*trusts the peer's certificate"):
                await aio.connect(listener.address)
            with pytest.raises((TLSError, ConnectionError)):
                await receiving

    run(main())


def test_a_peer_without_tls_is_told_from_one_with_it(run, server_tls):
    """Its bytes are not taken for text."""

    async def main():
        listener = await aio.listen(LOCAL, tls=server_tls)
        plain = f"127.0.0.1:{listener.address.port}"
        async with listener, await aio.connect(plain) as near, await listener.accept() as far:
            await near.send(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(TLSError, match="Check that the peer speaks TLS"):
                await far.recv()

    run(main())


def test_an_end_that_tls_did_not_announce_is_no_end(run, server_tls, client_tls):
    """Somebody in between may have cut what was to come."""

    async def main():
        async with await aio.listen(LOCAL, tls=server_tls) as listener:
            accepting = asyncio.create_task(listener.accept())
            connecting = asyncio.create_task(aio.connect(listener.address, tls=client_tls))
            far = await accepting
            sending = asyncio.create_task(far.send(b"half"))
            async with await connecting as near, far:
                await sending
                assert await near.recv() == b"half"
                with far._borrow() as sock:
                    sock.shutdown(socket.SHUT_WR)
                with pytest.raises(TLSError, match="without saying that it was done"):
                    await near.recv()

    run(main())


def test_a_handshake_has_a_deadline(run, client_tls):
    """A peer that says nothing does not hold who connects."""

    async def main():
        async with await aio.listen("127.0.0.1:0") as listener:
            with pytest.raises(TimedOutError, match="cannot connect to tls://127"):
                await aio.connect(f"tls://127.0.0.1:{listener.address.port}", tls=client_tls, timeout=0.05)

    run(main())


def test_without_a_certificate_nobody_listens():
    """And the message says what to give."""
    with pytest.raises(UsageError, match=r"Give listen\(\) tls=context"):
        listen(LOCAL)


def test_versions_that_are_too_old_are_refused(run, server_tls, client_tls):
    """Python's default context begins at TLS 1.2."""

    async def main():
        server_tls.minimum_version = ssl.TLSVersion.TLSv1_3
        client_tls.maximum_version = ssl.TLSVersion.TLSv1_2
        async with await aio.listen(LOCAL, tls=server_tls) as listener:
            receiving = asyncio.create_task(receive(listener))
            with pytest.raises(TLSError, match="which versions"):
                await aio.connect(listener.address, tls=client_tls)
            with pytest.raises((TLSError, ConnectionError)):
                await receiving

    run(main())
