"""A disk that is full while bodies are kept on it: a tmpfs of one megabyte, in a mount namespace of the server's own."""

import contextlib
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.waiting import until

from .conftest import free_port, kolben_process

pytestmark = pytest.mark.conformance

APP = """
from kolben import App
from kolben.flask import request
app = App("full")

@app.get("/")
def hello():
    return "hello"

@app.post("/body")
def body():
    return str(len(request.get_data()))

@app.post("/form")
def form():
    return str(len(request.files["file"].read()))

@app.post("/stream", stream=True)
def stream():
    return str(len(request.files["file"].read()))
"""
UNSHARE = ["unshare", "--map-root-user", "--mount"]
FORM = "--x\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n{}\r\n--x--\r\n"


def may_mount():
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Port and process of a server whose temporary files have a megabyte."""
    if not may_mount():
        pytest.skip("a mount namespace is not allowed here")
    directory = tmp_path_factory.mktemp("full")
    app, disk, port = directory / "app.py", directory / "disk", free_port()
    app.write_text(APP)
    disk.mkdir()
    around = [*UNSHARE, "sh", "-c", f'mount -t tmpfs -o size=1m none {disk} && exec "$0" "$@"']
    with kolben_process(f"127.0.0.1:{port}", app, directory, around=around, TMPDIR=str(disk)) as process:
        yield port, process


def post(port, path, data, kind):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": kind})
    with contextlib.closing(urllib.request.urlopen(request, timeout=20)) as answer:
        return answer.status, answer.read()


def status(*words):
    try:
        return post(*words)[0]
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def message(path, size):
    if path == "/body":
        return b"x" * size, "application/octet-stream"
    return FORM.format("x" * size).encode(), "multipart/form-data; boundary=x"


def left_open(process):
    """Temporary files that the server has open: none is left over."""
    found = []
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed between the listing and the look at it
            target = os.readlink(descriptor)
            if "/disk/" in target:
                found.append(target)
    return found


@pytest.mark.parametrize("path", ["/body", "/form", "/stream"])
def test_an_upload_that_the_disk_cannot_take_is_507_and_leaves_nothing(server, path):
    """RFC 4918, section 11.5.  What fits, a form's file twice, is served before and after: the room is given back."""
    port, process = server
    for _ in range(3):
        assert status(port, path, *message(path, 450_000)) == 200
        assert status(port, path, *message(path, 3_000_000)) == 507
    until(lambda: not left_open(process))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
        assert answer.read() == b"hello"
