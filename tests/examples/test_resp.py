"""The RESP example: its codec without a socket, and Redis's own tools as its judges."""

import shutil
import subprocess

import pytest

from kolben.base import LimitExceeded, RemoteProtocolError
from kolben.wire.events import Signal

needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed") for name in ("redis-cli", "redis-benchmark")
}

PIPELINE = b"*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\na\r\nb\r\n\r\n*0\r\nGET k\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n"
COMMANDS = [[b"PING"], [b"SET", b"k", b"a\r\nb\r\n"], [b"GET", b"k"], [b"GET", b""]]


@pytest.fixture
def resp(example):
    return example("protocols/resp")


def commands(codec, *pieces):
    found = []
    for piece in [*pieces, b""]:
        codec.receive_data(piece)
        while not isinstance(event := codec.next_event(), Signal):
            found.append(event)
    return found


def test_commands_do_not_depend_on_where_the_bytes_were_cut(resp):
    """Line ends inside a value are part of it; an empty array and an inline command are commands, too."""
    for cut in range(len(PIPELINE) + 1):
        pieces = [piece for piece in (PIPELINE[:cut], PIPELINE[cut:]) if piece]
        assert commands(resp.RespCodec(), *pieces) == COMMANDS, cut
    assert commands(resp.RespCodec(), *(PIPELINE[at : at + 1] for at in range(len(PIPELINE)))) == COMMANDS


@pytest.mark.parametrize(
    ("data", "error", "why"),
    [
        (b"*x\r\n", RemoteProtocolError, "expected a length, got b'x'"),
        (b"*+1\r\n", RemoteProtocolError, "expected a length"),
        (b"*1\r\n:1\r\n", RemoteProtocolError, r"expected '\$', got b':'"),
        (b"*1\r\n$99999999999\r\n", RemoteProtocolError, "expected a length"),
        (b"*1\r\n$99999999\r\n", LimitExceeded, "expected at most 8388608, got 99999999"),
        (b"*2000\r\n", LimitExceeded, "expected at most 1024"),
        (b"x" * 70_000, LimitExceeded, "too big inline request"),
        (b"*1\r\n$" + b"1" * 70_000, LimitExceeded, "too big"),
    ],
)
def test_what_breaks_the_protocol_is_refused_and_told(resp, data, error, why):
    codec = resp.RespCodec()
    codec.receive_data(data)
    with pytest.raises(error, match=why):
        codec.next_event()
    assert codec.data_to_send().startswith(b"-ERR Protocol error")


def test_what_came_before_a_mistake_is_answered_first(resp):
    codec = resp.RespCodec()
    codec.receive_data(b"PING\r\n*x\r\n")
    assert codec.next_event() == [b"PING"]
    with pytest.raises(RemoteProtocolError):
        codec.next_event()


def test_the_store_does_what_redis_does(resp):
    store = resp.Store()
    assert store.run([b"SET", b"k", b"1"]) == b"+OK\r\n"
    assert store.run([b"get", b"k"]) == b"$1\r\n1\r\n"
    assert store.run([b"INCR", b"k"]) == b":2\r\n"
    assert store.run([b"MGET", b"k", b"x"]) == b"*2\r\n$1\r\n2\r\n$-1\r\n"
    assert store.run([b"DEL", b"k", b"x"]) == b":1\r\n"
    assert store.run([b"GET", b"k"]) == b"$-1\r\n"
    assert store.run([b"SET", b"k"]) == b"-ERR wrong number of arguments for 'SET' command\r\n"
    assert store.run([b"NO\r\n"]) == b"-ERR unknown command 'NO  '\r\n"


@needs["redis-cli"]
def test_redis_cli_talks_to_it(resp, serving):
    host, port = serving(resp.app)["resp"]
    command = ["redis-cli", "-h", host, "-p", str(port)]
    talk = subprocess.run(
        command, input="SET name Ada\nGET name\nGET nobody\nKEYS *\n", capture_output=True, text=True, timeout=20, check=True
    )
    assert talk.stdout.split("\n") == ["OK", "Ada", "", "name", ""]


@needs["redis-benchmark"]
@pytest.mark.parametrize("pipeline", ["1", "16"])
def test_redis_benchmark_finds_every_answer(resp, serving, pipeline):
    host, port = serving(resp.app)["resp"]
    command = ["redis-benchmark", "-h", host, "-p", str(port), "-t", "set,get", "-n", "400", "-c", "20", "-P", pipeline, "--csv"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert '"SET"' in run.stdout
    assert '"GET"' in run.stdout
    assert len(resp.store.values) == 1
