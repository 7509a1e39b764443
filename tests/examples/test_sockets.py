"""The tour: every step runs, and the classic pair understands itself in all four combinations."""

import contextlib
import io
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import EXAMPLES

TOUR = EXAMPLES / "sockets"
SRC = EXAMPLES.parent / "src"
THANKS = b"Thank you for connecting"
BOOKS = ["08_view", "09_template", "10_database"]
SOON = 10


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def source_of(step, port):
    """A step's source, on a free port."""
    return (TOUR / f"{step}.py").read_text().replace("12345", str(port))


@contextlib.contextmanager
def started(step, port):
    """A step that serves for ever, as its own process."""
    process = subprocess.Popen([sys.executable, "-c", source_of(step, port)], stdout=subprocess.PIPE, env={"PYTHONPATH": str(SRC)})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(SOON)
        process.stdout.close()


def wait_for(port):
    """Return when somebody listens there."""
    deadline = time.monotonic() + SOON
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), SOON):
            return
        assert time.monotonic() < deadline, "nobody listens"
        time.sleep(0.01)


def run_client(step, port):
    """What a client prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source_of(step, port), step, "exec"), {"__name__": "__main__"})
    return output.getvalue()


@pytest.mark.parametrize("server", ["01_raw_server", "03_server"])
def test_the_classic_pair_understands_itself_in_all_four_combinations(server, port):
    with started(server, port) as process:
        wait_for(port)
        assert run_client("02_raw_client", port) == f"{THANKS!r}\n"
        assert run_client("04_client", port) == f"{THANKS!r}\n"
        assert process.stdout.readline().startswith(b"Got connection from")


def test_ours_are_four_lines_each():
    """Without imports and docstring."""
    for step in ("03_server", "04_client"):
        lines = [line for line in (TOUR / f"{step}.py").read_text().partition("import net")[2].splitlines() if line.strip()]
        assert len(lines) <= 4


def test_the_server_as_a_service_of_an_app(example, serving, peer):
    server = serving(example("sockets/05_service").app)
    assert peer(server["greet"]).rest() == THANKS


def test_a_protocol_is_tested_without_a_socket(example):
    book = example("sockets/06_protocol").Book()
    assert book.answer("SIGN Ada: hello: you") == ["OK 1"]
    assert book.answer("SIGN Ada") == book.answer("") == ["? SIGN name: text, or READ"]
    assert book.answer("READ") == ["Ada: hello: you", "."]


@pytest.mark.parametrize("step", ["06_protocol", "07_handler"])
def test_a_message_is_not_a_packet(example, serving, slow_client, step):
    visitor = slow_client(serving(example(f"sockets/{step}").app)["guest_book"])
    visitor.send(b"SIGN Ada: hello\r\nREAD\nnonsense\n")
    visitor.half_close()
    assert re.fullmatch(rb"OK 1\nAda: hello\n\.\n\? .+\n", visitor.rest())


@pytest.mark.parametrize("step", BOOKS)
def test_the_socket_and_the_page_are_of_one_book(example, serving, peer, step, tmp_path):
    module = example(f"sockets/{step}")
    module.app.config["DATABASE"] = str(tmp_path / "book.sqlite")
    server = serving(module.app)
    visitor = peer(server["guest_book"])
    visitor.send(b"Ada: <hello>\n")
    assert visitor.receive_until(b"\n") == b"OK 1\n"
    client = module.app.test_client()
    assert client.post("/", data={"name": "Bob", "text": "hi"}).status_code == 302
    page = client.get("/").text
    assert "Ada" in page
    assert "hi" in page
    if step != "08_view":
        assert "&lt;hello&gt;" in page
        assert "2 visitors" in page


def test_the_book_outlives_the_process(example, tmp_path):
    for signed in (True, False):
        module = example("sockets/10_database")
        module.app.config["DATABASE"] = str(tmp_path / "book.sqlite")
        client = module.app.test_client()
        if signed:
            client.post("/", data={"name": "Ada", "text": "hello"})
        assert "1 visitor<" in client.get("/").text


def test_the_story_shows_every_step():
    """docs/sockets.md includes each file, in order."""
    story = (EXAMPLES.parent / "docs" / "sockets.md").read_text()
    shown = re.findall(r"examples/sockets/(\w+)\.py", story)
    assert list(dict.fromkeys(shown)) == sorted(path.stem for path in Path(TOUR).glob("*.py"))
