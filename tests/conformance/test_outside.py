"""Clients that others wrote: `h2load` (nghttp2) as a fast one, `slowhttptest` as slow ones.  Debian has both; bounded, loopback only."""

import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from .conftest import kolben_run

pytestmark = pytest.mark.conformance

APP = """
from kolben import App, Timeouts
app = App("outside")
app.timeouts = Timeouts(first_byte=4, head=4, body=4, body_grace=3, write=4, lingering=1, keep_alive=4)

@app.get("/")
def hello():
    return "Hello"

@app.post("/")
def take():
    return "taken"

LARGE = b"x" * 8_000_000

@app.get("/large")
def large():
    return LARGE
"""


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    directory = tmp_path_factory.mktemp("outside")
    app = directory / "app.py"
    app.write_text(APP)
    with kolben_run(app, directory, "serve", "--workers", "2", "--no-access-log") as served:
        yield served


def run(program, package, *words):
    """What a program says, without colours; skipped where it is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=60)
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


@pytest.mark.parametrize("more", [[], ["-m", "8"]], ids=["one-by-one", "pipelined"])
def test_h2load_gets_every_answer(target, more):
    said = run("h2load", "nghttp2-client", "--h1", "-n", "20000", "-c", "40", *more, f"http://{target}/")
    assert "20000 succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert "status codes: 20000 2xx, 0 3xx, 0 4xx, 0 5xx" in said, said


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    ("mode", "path"),
    [
        (["-H", "-i", "1"], "/"),  # heads without end
        (["-B", "-i", "1", "-s", "100000", "-t", "POST"], "/"),  # bodies, some bytes at a time
    ],
    ids=["heads", "bodies"],
)
def test_slowhttptest_ends_nothing_but_its_own_connections(target, mode, path):
    """Every slow connection is closed by a deadline, and the service is there for others at the end."""
    said = run("slowhttptest", "slowhttptest", "-c", "400", "-r", "200", "-l", "30", "-p", "3", *mode, "-u", f"http://{target}{path}")
    assert "No open connections left" in said, said[-2000:]
    assert re.findall(r"service available:\s+(\w+)", said)[-1] == "YES", said[-2000:]


READERS = ["-X", "-w", "1", "-y", "8", "-n", "1", "-z", "8", "-c", "400", "-r", "200", "-l", "60", "-p", "3"]  # a few bytes a second


@pytest.mark.timeout(90)
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc")
def test_who_reads_a_few_bytes_a_second_is_cut_off_while_others_are_served(target):
    """slowhttptest itself notices only when it has read what its own kernel holds, so the server's kernel is asked."""
    if shutil.which("slowhttptest") is None:
        pytest.skip("slowhttptest is not installed: apt-get install slowhttptest")
    port = int(target.rpartition(":")[2])
    with subprocess.Popen(["slowhttptest", *READERS, "-u", f"http://{target}/large"], stdout=subprocess.DEVNULL) as slow:
        try:
            assert wait_until(lambda: open_at(port) > 200), f"{open_at(port)} slow readers came"
            assert wait_until(lambda: hello(target) == b"Hello"), "nobody else was served"
            assert wait_until(lambda: open_at(port) <= 1), f"{open_at(port)} are left"  # one: its probe
            assert slow.poll() is None, "it ended by itself"
        finally:
            slow.terminate()


def hello(target):
    """What an ordinary client gets, who asks again when it is told to (503): 200 answers of 8 MB a second may put a slow machine behind."""
    try:
        with urllib.request.urlopen(f"http://{target}/", timeout=5) as answer:
            return answer.read()
    except urllib.error.HTTPError as refusal:
        refusal.close()
        if refusal.code != 503:
            raise
        return None


def open_at(port):
    """How many established connections the server's end of a port has."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[3] == "01" and int(fields[1].rpartition(":")[2], 16) == port for fields in lines)


def wait_until(condition):
    """Whether something comes true within half a minute: seven times the deadlines of the app."""
    deadline = time.monotonic() + 30
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
