"""FastAPI and Django on our server, by `kolben run` and under a path of an app, through real sockets."""

import http.client
import json

import pytest
from tests.interop.test_forty import running

pytest.importorskip("fastapi")
pytest.importorskip("django")
pytest.importorskip("python_multipart")

KOLBEN = ["kolben", "run", "--no-flask", "--port", "{port}"]
PARTS = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n' + b"x" * 300_000 + b"\r\n--b--\r\n"


def ask(address, method, target, body=None, content_type=None):
    connection = http.client.HTTPConnection(*address, timeout=20)
    try:
        connection.request(method, target, body, {"Content-Type": content_type} if content_type else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def try_fastapi(address, root=""):
    status, body = ask(address, "GET", f"{root}/item/7")
    assert (status, json.loads(body)) == (200, {"number": 7, "url": f"{root}/item/1", "pool": "a pool"})
    assert ask(address, "GET", f"{root}/item/x")[0] == 422
    assert ask(address, "GET", f"{root}/nowhere")[0] == 404
    assert ask(address, "GET", f"{root}/stream") == (200, b"0\n1\n2\n")
    status, body = ask(address, "POST", f"{root}/upload", PARTS, "multipart/form-data; boundary=b")
    assert (status, json.loads(body)) == (200, {"size": 300_000, "name": "f.txt"})
    assert ask(address, "GET", f"{root}/later")[0] == 200
    assert json.loads(ask(address, "GET", f"{root}/sync")[1])["events"][0] == "up"


def try_django(address, root=""):
    form = "application/x-www-form-urlencoded"
    status, body = ask(address, "POST", f"{root}/", b"a=1", form)
    assert (status, json.loads(body)) == (200, {"path": f"{root}/", "url": f"{root}/", "method": "POST", "form": {"a": "1"}})
    assert ask(address, "GET", f"{root}/async") == (200, b"async")
    assert ask(address, "GET", f"{root}/stream") == (200, b"012")
    assert ask(address, "GET", f"{root}/nowhere")[0] == 404


@pytest.mark.parametrize(
    ("target", "attempt"),
    [("fastapi_guest.py", try_fastapi), ("django_guest.py:wsgi", try_django), ("django_guest.py:asgi", try_django)],
)
def test_a_guest_is_served_by_kolben_run(target, attempt):
    with running("guest", [*KOLBEN, f"apps/{target}"]) as address:
        attempt(address)


@pytest.mark.parametrize(
    "command", [[*KOLBEN, "apps/host_app.py"], ["uvicorn", "--port", "{port}", "host_app:app.asgi"]], ids=lambda words: words[0]
)
def test_guests_are_served_under_paths(command):
    pytest.importorskip(command[0])
    with running("host", command) as address:
        assert ask(address, "GET", "/") == (200, b"host")
        try_fastapi(address, "/fastapi")
        try_django(address, "/django")
        try_django(address, "/django-asgi")
