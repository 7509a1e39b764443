"""The example whose views ask other servers: what they pass on, and what they do when the others are slow, absent or wrong."""

import asyncio
import socket
import threading

import pytest

from kolben import App
from kolben.net import listen_all, parse_address
from kolben.server import Server

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
SOON = 20


class Serving:
    """An app on our server, in a thread, with a client."""

    def __init__(self, app):
        listeners = listen_all(parse_address("127.0.0.1:0"))
        self.url = f"http://{listeners[0].address}"
        self.server = Server(app.handler, listeners, limits=app.limits, timeouts=app.timeouts)
        self.thread = threading.Thread(target=self.server.run, name="serves")
        self.thread.start()

    def get(self, path):
        return httpx.get(self.url + path, timeout=SOON)

    def stop(self):
        self.server.stop()
        self.thread.join(SOON)


@pytest.fixture
def serve():
    serving = []

    def start(app):
        serving.append(Serving(app))
        return serving[-1]

    yield start
    for each in reversed(serving):
        each.stop()


@pytest.fixture
def clients(example, monkeypatch):
    module = example("clients")
    monkeypatch.setattr(module, "STEP", 0.2)
    return module


@pytest.fixture
def upstream():
    """Somebody else's server, which knows Ada and takes its time for Bob; `cancelled` is set when a slow answer was given up."""
    app = App("upstream")
    app.cancelled = threading.Event()
    app.asked = threading.Event()

    @app.get("/people")
    async def people():
        return ["Ada"]

    @app.get("/places")
    async def places():
        return ["London"]

    @app.get("/people/Ada")
    async def ada():
        return {"name": "Ada"}

    @app.get("/people/Bob")
    async def bob():
        await slow(app)

    return app


async def slow(app):
    app.asked.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        app.cancelled.set()
        raise


def test_two_answers_make_one(clients, upstream, serve):
    clients.app.config["UPSTREAM"] = serve(upstream).url
    assert serve(clients.app).get("/overview").json() == {"people": ["Ada"], "places": ["London"]}


def test_a_plain_view_passes_an_answer_on(clients, upstream, serve):
    clients.app.config["UPSTREAM"] = serve(upstream).url
    assert serve(clients.app).get("/people/Ada").json() == {"name": "Ada"}


def test_a_plain_view_says_that_the_other_was_too_slow(clients, upstream, serve):
    clients.app.config["UPSTREAM"] = serve(upstream).url
    assert serve(clients.app).get("/people/Bob").status_code == 504
    assert upstream.cancelled.wait(SOON), "the connection to the other server stayed open"


def test_a_plain_view_says_that_the_other_is_not_there(clients, serve):
    clients.app.config["UPSTREAM"] = "http://127.0.0.1:1"
    assert serve(clients.app).get("/people/Ada").status_code == 502


def make_slow(upstream):
    async def places():
        await slow(upstream)

    upstream.view_functions["places"] = places


def test_at_the_deadline_everything_that_an_async_view_awaits_is_cancelled(clients, upstream, serve):
    make_slow(upstream)
    clients.app.config["UPSTREAM"] = serve(upstream).url
    answer = serve(clients.app).get("/overview")
    assert answer.status_code == 504
    assert upstream.cancelled.wait(SOON)


def test_when_the_client_leaves_what_it_waited_for_is_cancelled(clients, upstream, serve):
    make_slow(upstream)
    clients.app.config["UPSTREAM"] = serve(upstream).url
    clients.app.endpoint_options["overview"]["timeout"] = 3 * SOON  # so that it is not the deadline that cancels
    host, _, port = serve(clients.app).url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, port), SOON) as peer:
        peer.sendall(b"GET /overview HTTP/1.1\r\nHost: a\r\n\r\n")
        assert upstream.asked.wait(SOON)
        peer.settimeout(0.3)  # at once after a request, its end would only be the request's
        with pytest.raises(TimeoutError):
            peer.recv(1)
    assert upstream.cancelled.wait(SOON)


@pytest.fixture
def files(tmp_path, serving):
    pytest.importorskip("pyftpdlib", reason="the extra kolben[ftp] is not installed")
    (tmp_path / "large").write_bytes(b"0123456789" * 50_000)
    app = App("files")
    app.ftp(tmp_path)
    return serving(app)["ftp"]


def test_what_lies_on_an_ftp_server_is_listed_and_passed_on(clients, files, serve):
    clients.app.config["FTP_HOST"], clients.app.config["FTP_PORT"] = files
    ours = serve(clients.app)
    assert ours.get("/files").json() == {"files": ["large"]}
    assert ours.get("/files/large").content == b"0123456789" * 50_000


def test_an_ftp_server_that_is_not_there_is_a_bad_gateway(clients, serve):
    clients.app.config["FTP_PORT"] = 1
    assert serve(clients.app).get("/files").status_code == 502
