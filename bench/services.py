"""What services cost and bear: RESP beside redis-server, ten thousand connections, a thousand a second, readers that do not read.

    python bench/services.py [--quick]

Figures are CPU time of the server's process from /proc, and ratios of interleaved runs: the machine may be busy with other things.
Needs redis-server and redis-benchmark for the first; raises the limit of descriptors as far as it may for the second.
"""

import asyncio
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUICK = "--quick" in sys.argv
TICKS = os.sysconf("SC_CLK_TCK")
RESET = b"\1\0\0\0\0\0\0\0"

ECHO = """
from kolben import App, Limits
app = App(__name__)
app.limits = Limits(connections_per_address=0)

@app.tcp("127.0.0.1:{port}")
async def echo(stream):
    while data := await stream.recv():
        await stream.send(data)

@app.tcp("127.0.0.1:{flow}")
async def flow(stream):
    piece = b"x" * 65536
    while True:
        await stream.send(piece)

@app.get("/")
def active():
    return {{service.name: [service.counters.active, service.counters.accepted] for service in app.services}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextmanager
def started(command, *ports, folder=ROOT):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for port in ports:
            wait_for(port)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nobody listens on {port}")


@contextmanager
def kolben(source, *ports):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "application.py").write_text(source)
        command = [sys.executable, "-m", "kolben", "run", "--port", "0", "--no-access-log", "application.py"]
        with started(command, *ports, folder=folder) as process:
            yield process


def cpu(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(process):
    """Resident MiB."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


# --- RESP ---------------------------------------------------------------------------------------------------------------------


def resp():
    """CPU per command, ours and redis-server's, interleaved: bars 0.5 of its throughput per core, 0.2 with 16 in a pipeline."""
    if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
        print("RESP: redis-server and redis-benchmark are not installed")
        return
    ours, theirs = free_port(), free_port()
    source = (ROOT / "examples" / "protocols" / "resp.py").read_text().replace("6380", str(ours))
    redis = ["redis-server", "--port", str(theirs), "--save", "", "--appendonly", "no"]
    with kolben(source, ours) as here, started(redis, theirs) as there:
        for pipeline, count in ((1, 20_000), (16, 160_000)):
            for command in ("set", "get"):
                pairs = [
                    (commands(there, theirs, command, pipeline, count), commands(here, ours, command, pipeline, count))
                    for _ in range(2 if QUICK else 7)
                ]
                median = [statistics.median(each) for each in zip(*pairs, strict=True)]
                ratio = statistics.median(theirs / ours for theirs, ours in pairs)
                print(
                    f"RESP {command} -P {pipeline:2}: redis-server {median[0]:5.2f} us, kolben {median[1]:5.2f} us: {ratio:.2f} of its throughput per core"
                )


def commands(process, port, command, pipeline, count):
    before = cpu(process)
    arguments = ["-p", str(port), "-t", command, "-n", str(count), "-c", "50", "-P", str(pipeline), "-q"]
    subprocess.run(["redis-benchmark", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (cpu(process) - before) / count * 1e6


# --- load ---------------------------------------------------------------------------------------------------------------------


async def hold_many(process, port):
    """Open connections to one service, every one echoed twice: just after it was opened, and when all are open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(1000 if QUICK else 10_000, hard - 200)
    before, began = memory(process), time.monotonic()
    peers = []
    for start in range(0, count, 100):
        peers += await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(min(100, count - start))))
        await asyncio.gather(*(echoed(*peer) for peer in peers[start:]))
    await asyncio.gather(*(echoed(*peer) for peer in peers))
    print(
        f"{len(peers)} open connections, all echoed, in {time.monotonic() - began:.1f} s; {(memory(process) - before) / count * 1024:.1f} KiB each"
    )
    for _, writer in peers:
        writer.close()


async def echoed(reader, writer):
    writer.write(b"0123456789abcdef")
    assert await reader.readexactly(16) == b"0123456789abcdef"


def connect_often(process, port):
    """A thousand connections a second; every fourth ends in a reset.  Nothing may be left."""
    time.sleep(1)  # what a server opens once, for its first connection, is open then
    seconds, before, began, made = (5 if QUICK else 60), descriptors(process), time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        if made > now * 1000:
            time.sleep(0.001)
            continue
        with socket.create_connection(("127.0.0.1", port), 10) as peer:
            peer.sendall(b"x")
            if made % 4 == 0:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            else:
                assert peer.recv(1) == b"x"
        made += 1
    settle(process, before)
    print(f"{made / seconds:.0f} connects a second for {seconds} s; descriptors left: {descriptors(process) - before}")


def settle(process, most):
    deadline = time.monotonic() + 10
    while descriptors(process) > most and time.monotonic() < deadline:
        time.sleep(0.05)


def stall(process, port):
    """Readers that do not read, of a service that sends without end: what they cost, and what they leave."""
    before, fds, peers = memory(process), descriptors(process), []
    for _ in range(100):
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", port))
        peers.append(peer)
    time.sleep(1)
    first = memory(process)
    time.sleep(1 if QUICK else 5)
    spent = cpu(process)
    time.sleep(1)
    spent = cpu(process) - spent
    print(
        f"100 stalled readers: {(first - before) * 10.24:.0f} KiB each, {memory(process) - first:+.1f} MiB later; CPU while they stall: {spent:.2f} s a second"
    )
    for peer in peers:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
    settle(process, fds)
    print(f"after their resets: descriptors left: {descriptors(process) - fds}")


def load():
    port, flow = free_port(), free_port()
    with kolben(ECHO.format(port=port, flow=flow), port) as process:
        connect_often(process, port)
        stall(process, flow)
        asyncio.run(hold_many(process, port))


if __name__ == "__main__":
    resp()
    load()
