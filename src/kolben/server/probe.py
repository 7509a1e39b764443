"""Does an app answer before anybody is sent to it?  One request over a private Unix socket, through the whole server."""

from __future__ import annotations

import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from kolben.net import UnixAddress, listen
from kolben.server._acceptor import Acceptor

if TYPE_CHECKING:
    from kolben.server.serving import Server

__all__ = ["probe"]

PATIENCE = 30.0  # seconds for the answer
ENOUGH = 4096  # bytes of the answer
FINE = range(200, 400)  # statuses


def probe(server: Server, path: str) -> str | None:
    """Ask for `path`; return what is wrong, None if the answer is fine.  Blocks: not in the loop's thread."""
    with tempfile.TemporaryDirectory(prefix="kolben-") as folder:
        address = UnixAddress(str(Path(folder) / "probe"))
        with listen(address) as listener:
            acceptor = Acceptor(server.engine, listener, scheme="http", server=(address.path, None))
            begin(server, acceptor)
            try:
                answer = ask(address.path, path)
            except OSError as error:
                return f"{path} was not answered when it was asked for before serving: {error}"
            finally:
                end(server, acceptor)
    return judge(path, answer)


def begin(server: Server, acceptor: Acceptor) -> None:
    """Accept from the private socket, in the loop's thread."""
    server.reactor.post(lambda _: acceptor.start(), None)


def end(server: Server, acceptor: Acceptor) -> None:
    """Stop that, and wait until it is so: the socket is closed next."""
    done = threading.Event()

    def leave(_: object) -> None:
        acceptor.leave()
        done.set()

    if server.reactor.post(leave, None):
        done.wait(PATIENCE)


def ask(socket_path: str, path: str) -> bytes:
    """Return the beginning of the answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(socket_path)
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kolben-probe\r\nConnection: close\r\n\r\n".encode("ascii"))
        answer = b""
        while len(answer) < ENOUGH and (data := sock.recv(65536)):
            answer += data
    return answer


def judge(path: str, answer: bytes) -> str | None:
    """Say what is wrong with an answer."""
    words = answer.split(None, 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    if status in FINE:
        return None
    body = answer.partition(b"\r\n\r\n")[2][:200].decode("utf-8", "replace").strip()
    said = f"{status}: {body}" if body else str(status)
    return f"{path} was asked for before serving, expected a status from 200 to 399, got {said}"
