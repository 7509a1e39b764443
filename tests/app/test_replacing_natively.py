"""The same promise through our own server: what was replaced is called, though plans were made before."""

import http.client
import threading

import pytest
from tests.app.test_replacing import AT_START, BY, build, recording

from kolben.app import App
from kolben.app.globals import request
from kolben.net import listen_all, parse_address
from kolben.server.serving import Server


@pytest.fixture
def ask():
    servers = []

    def start(app, target):
        listeners = list(listen_all(parse_address("127.0.0.1:0"), backlog=8))
        server = Server(app.handler, listeners)
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        connection = http.client.HTTPConnection("127.0.0.1", listeners[0].address.port, timeout=5)
        method, _, path = target.rpartition(" ")

        def request():
            connection.request(method or "GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        servers[-1] += (connection,)
        return request

    yield start
    for server, thread, connection in servers:
        connection.close()
        server.stop()
        thread.join()


@pytest.mark.parametrize("where", ["instance", "class"])
@pytest.mark.parametrize("name", BY)
def test_a_method_replaced_while_serving_is_called(ask, name, where, tmp_path, monkeypatch):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "x.txt").write_text("x")
    app, calls = build(root=tmp_path), []
    request = ask(app, BY[name])
    before = None if name in AT_START else request()
    replacement = recording(name, calls)
    if where == "instance":
        setattr(app, name, replacement.__get__(app))
    else:
        monkeypatch.setattr(App, name, replacement)
    assert request() == before or name in AT_START
    assert calls


def test_a_request_class_that_is_exchanged_while_serving_makes_the_next_request(ask):
    app = App(__name__)
    app.add_url_rule("/", view_func=lambda: ("", 200 if type(request._get_current_object()) is app.request_class else 500))
    get = ask(app, "GET /")
    assert get() == 200
    app.request_class = type("Own", (app.request_class,), {})
    assert get() == 200
