"""What a profiled build learns from: a server of ordinary views under the requests that applications get, and a few that they refuse.

tools/profile.sh runs it on a build that counts.  No figure comes from here: it is a mixture, not a measurement.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).with_name("training_app.py")
CONNECTIONS = 32
USUAL, ODD = 300, 3  # rounds of a request on every connection: a server answers the usual ones, and lays its code out for them
PATIENCE = 20  # seconds for the server to begin
FIELDS = "Host: 127.0.0.1\r\nUser-Agent: training/1\r\nAccept: */*\r\nX-Client: training\r\n"
JSON = b'{"name":"abc","price":1.5,"tags":["a","b","c"]}'
FORM = b"name=abc&price=1.5"
PARTS = (
    b'--edge\r\nContent-Disposition: form-data; name="name"\r\n\r\nabc\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    + b"x" * 3000
    + b"\r\n--edge--\r\n"
)
CHUNKED = b"2f\r\n" + JSON + b"\r\n0\r\n\r\n"


def request(method: str, target: str, body: bytes = b"", **fields: str) -> bytes:
    """The bytes of one request; fields are written `Content_Type`."""
    if body and "Transfer_Encoding" not in fields:
        fields["Content_Length"] = str(len(body))
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\n{FIELDS}{lines}\r\n".encode() + body


REQUESTS = [
    (request("GET", "/?x=1"), USUAL),
    (request("GET", "/pinned"), USUAL),
    (request("GET", "/thread"), ODD),
    (request("GET", "/async"), USUAL),
    (request("GET", "/json"), USUAL),
    (request("GET", "/rows"), ODD),
    (request("GET", "/user/42/post/hello-world?page=2"), USUAL),
    (request("GET", "/area33/42/part/b%C3%A4r"), ODD),
    (request("POST", "/items", JSON, Content_Type="application/json"), USUAL),
    (request("POST", "/items", CHUNKED, Content_Type="application/json", Transfer_Encoding="chunked"), ODD),
    (request("POST", "/form", FORM, Content_Type="application/x-www-form-urlencoded"), ODD),
    (request("POST", "/form", PARTS, Content_Type="multipart/form-data; boundary=edge"), ODD),
    (request("GET", "/shop/", Cookie="theme=dark; session=none"), USUAL // 5),
    (request("GET", "/away"), ODD),
    (request("GET", "/stream"), ODD),
    (request("GET", "/gone"), ODD),
    (request("GET", "/not/there"), ODD),
    (request("PUT", "/items"), ODD),
    (request("HEAD", "/json"), ODD),
    (request("OPTIONS", "/items"), ODD),
]
PIPELINED = request("GET", "/") * 16
REFUSED = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET\x00/ HTTP/1.1\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: a\r\n \r\n\r\n",
]


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        return int(chosen.getsockname()[1])


def connect(port: int) -> socket.socket:
    """A connection; it waits for a server that has yet to begin."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def served(port: int, echo: int) -> Iterator[None]:
    """The server, ended so that it writes down what it counted."""
    with tempfile.TemporaryDirectory(prefix="kolben-training-") as folder:
        command = [sys.executable, "-m", "kolben", "run", "--port", str(port), str(APP)]
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, "ECHO_PORT": str(echo)}
            )
        try:
            connect(port).close()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(PATIENCE)
            if status:
                raise SystemExit(f"training: the server ended with {status}:\n{log.read_text()[-2000:]}")


def drive(port: int) -> int:
    """Ask all that there is to ask; gives the number of answers that came."""
    answers = 0
    for asked, rounds in REQUESTS:
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(connect(port)) for _ in range(CONNECTIONS)]
            for _ in range(rounds):
                for connection in connections:
                    connection.sendall(asked)
                answers += sum(connection.recv(65536).startswith(b"HTTP/1.1 ") for connection in connections)
    for _ in range(USUAL):
        with connect(port) as connection:
            connection.sendall(PIPELINED)
            connection.shutdown(socket.SHUT_WR)
            answers += b"".join(iter(lambda: connection.recv(65536), b"")).count(b"HTTP/1.1 200")
    for asked in REFUSED * 20:
        with connect(port) as connection:
            connection.sendall(asked)
            answers += connection.recv(65536).startswith(b"HTTP/1.1 4")
    return answers


def converse(port: int) -> None:
    """The echo service, over a few connections at once."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(port)) for _ in range(CONNECTIONS)]
        for _ in range(USUAL):
            for connection in connections:
                connection.sendall(b"x" * 64)
            for connection in connections:
                connection.recv(4096)


def main() -> None:
    """Serve, ask, and tell how much was answered."""
    port, echo = free_port(), free_port()
    with served(port, echo):
        answers = drive(port)
        converse(echo)
    sys.stdout.write(f"training: {answers} answers\n")


if __name__ == "__main__":
    main()
