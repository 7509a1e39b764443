#!/usr/bin/env python3
"""CPU per echoed message of 64 bytes: services and kolben.net.aio beside asyncio's and uvloop's streams and a bare epoll loop in C.

    bench/echo.py                 # 64 connections, 7 rounds of 1 s for each row
    bench/echo.py --quick         # 3 rounds
    bench/echo.py --only "kolben service,streams"   # rows whose name has one of these, and C

All servers stay up; a round gives each a burst in turn.  The figure is CPU time (user + system) of the server per message,
divided by that of C in the same round; shown is the median of the rounds, and how much of it the kernel took.  Servers have core 0,
the load core 1.  Needs gcc.  Measures the kolben of PYTHONPATH, such as a wheel's build, or else that of src/.
Exits 1 when a bar is missed.
"""

import argparse
import asyncio
import contextlib
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "src"))  # where no other build is installed
PEERS = 64

# --- what is measured: each as its own documentation writes it -----------------------------------------------------------------


async def kolben_tcp(port):
    from kolben.net import aio

    async def echo(stream):
        async with stream:
            while data := await stream.recv():
                await stream.send(data)

    async with await aio.listen(f"127.0.0.1:{port}") as listener, asyncio.TaskGroup() as group:
        async for stream in listener:
            group.create_task(echo(stream))


async def streams_tcp(port):
    async def echo(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", port)
    await server.serve_forever()


async def protocol_tcp(port):
    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    await server.serve_forever()


async def kolben_udp(port):
    from kolben.net import aio

    async with await aio.bind(f"udp://127.0.0.1:{port}") as sock:
        async for data, address in sock:
            await sock.send_to(data, address)


async def protocol_udp(port):
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            self.transport.sendto(data, addr)

    await asyncio.get_running_loop().create_datagram_endpoint(Echo, ("127.0.0.1", port))
    await asyncio.Event().wait()


def service(port, address, function, loop):
    """The function as a service of an app, beside HTTP, which nobody asks here."""
    from kolben import App
    from kolben.server import serving

    app = App(__name__)
    getattr(app, address)(f"127.0.0.1:{port}")(function)
    if loop == "asyncio":
        serving.new_event_loop = asyncio.new_event_loop
    serving.run_app(app, binds=["127.0.0.1:0"], access_log=False)


async def echo_stream(stream):
    while data := await stream.recv():
        await stream.send(data)


async def echo_datagram(datagram):
    return datagram.data


def echo_datagram_in_thread(datagram):
    return datagram.data


SERVICES = {
    "tcp_service": ("tcp", echo_stream),
    "udp_service": ("udp", echo_datagram),
    "udp_thread": ("udp", echo_datagram_in_thread),
}
SERVERS = {function.__name__: function for function in (kolben_tcp, streams_tcp, protocol_tcp, kolben_udp, protocol_udp)}
ROWS = {  # name: (transport, function, loop)
    "C epoll": ("tcp", None, None),
    "kolben service, uvloop": ("tcp", "tcp_service", "uvloop"),
    "kolben service, asyncio": ("tcp", "tcp_service", "asyncio"),
    "kolben.net, uvloop": ("tcp", "kolben_tcp", "uvloop"),
    "kolben.net, asyncio": ("tcp", "kolben_tcp", "asyncio"),
    "uvloop protocol": ("tcp", "protocol_tcp", "uvloop"),
    "uvloop streams": ("tcp", "streams_tcp", "uvloop"),
    "asyncio protocol": ("tcp", "protocol_tcp", "asyncio"),
    "asyncio streams": ("tcp", "streams_tcp", "asyncio"),
    "C epoll, UDP": ("udp", None, None),
    "kolben service, UDP": ("udp", "udp_service", "uvloop"),
    "kolben plain service, UDP": ("udp", "udp_thread", "uvloop"),
    "kolben.net, uvloop, UDP": ("udp", "kolben_udp", "uvloop"),
    "kolben.net, asyncio, UDP": ("udp", "kolben_udp", "asyncio"),
    "uvloop protocol, UDP": ("udp", "protocol_udp", "uvloop"),
    "asyncio protocol, UDP": ("udp", "protocol_udp", "asyncio"),
}
BARS = [  # row, at most so many times, row
    ("kolben service, uvloop", 1.6, "C epoll"),
    ("kolben service, uvloop", 1 / 2, "uvloop streams"),
    ("kolben service, uvloop", 1 / 3, "asyncio streams"),
    ("kolben.net, uvloop, UDP", 2.0, "C epoll, UDP"),
    ("kolben service, UDP", 2.0, "C epoll, UDP"),
    ("kolben plain service, UDP", 2.0, "C epoll, UDP"),
]


def serve(function, loop, port):
    """In a server's process."""
    if function in SERVICES:
        service(port, *SERVICES[function], loop)
    elif loop == "uvloop":
        import uvloop

        uvloop.run(SERVERS[function](port))
    else:
        asyncio.run(SERVERS[function](port))


# --- measuring -----------------------------------------------------------------------------------------------------------------


def free_port():
    """Below those that the system gives by itself: the servers before have some of these."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(lowest // 2, lowest), 100):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port
    raise SystemExit("no free port")


class Server:
    """One row's."""

    def __init__(self, row, c):
        self.transport, function, loop = ROWS[row]
        self.spent = [0, 0]  # ticks of user and system time in all bursts
        self.port = free_port()
        own = [sys.executable, __file__, "--serve", str(function), str(loop), str(self.port)]
        self.process = subprocess.Popen(["taskset", "-c", "0", *([c, self.transport, str(self.port)] if function is None else own)])

    def cpu(self):
        """Nanoseconds of the process: Linux makes a clock's number from a process's."""
        return time.clock_gettime_ns(~self.process.pid << 3 | 2)

    def ticks(self):
        """User and system time, counted coarsely."""
        return [int(field) for field in Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]]

    def burst(self, c, seconds):
        """Microseconds of CPU time per message."""
        if self.process.poll() is not None:
            raise SystemExit(f"{self.process.args}: it ended with {self.process.returncode}")
        before, ticks = self.cpu(), self.ticks()
        load = ["taskset", "-c", "1", c, "drive", self.transport, str(self.port), str(PEERS), str(seconds)]
        count = int(subprocess.run(load, check=True, capture_output=True, text=True).stdout)
        self.spent = [spent + after - was for spent, after, was in zip(self.spent, self.ticks(), ticks, strict=True)]
        return (self.cpu() - before) / 1000 / count

    def stop(self):
        self.process.kill()
        self.process.wait()


def wait_until_up(server, c):
    for _ in range(100):
        with contextlib.suppress(subprocess.CalledProcessError, ZeroDivisionError):
            server.burst(c, 0.3)
            return
        time.sleep(0.1)
    raise SystemExit(f"{server.process.args}: it does not answer")


def measure(names, rounds, seconds):
    found = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        c = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "echo")
        subprocess.run(["gcc", "-O2", "-Wall", "-o", c, HERE / "peers/c/echo.c"], check=True)
        servers = {}
        for name in names:
            servers[name] = Server(name, c)
            stack.callback(servers[name].stop)
        for server in servers.values():
            wait_until_up(server, c)
        for _ in range(rounds):
            for name, server in servers.items():
                found[name].append(server.burst(c, seconds))
        return found, {name: 100 * server.spent[1] // max(sum(server.spent), 1) for name, server in servers.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve[0], options.serve[1], int(options.serve[2]))
        return 0
    names = [name for name in ROWS if any(part in name for part in [*options.only.split(","), "C epoll"])]
    found, system = measure(names, 3 if options.quick else 7, 0.5 if options.quick else 1.0)
    for name in names:
        limit = "C epoll, UDP" if ROWS[name][0] == "udp" else "C epoll"
        ratio = statistics.median(mine / c for mine, c in zip(found[name], found[limit], strict=True))
        print(f"{name:26} {statistics.median(found[name]):7.2f} us {ratio:6.2f} of C, {system[name]:3} % of it in the kernel")
    missed = 0
    for row, bar, other in BARS:
        if row in found and other in found:
            ratio = statistics.median(mine / its for mine, its in zip(found[row], found[other], strict=True))
            missed += ratio > bar
            verdict = f"{row} at {ratio:.2f} of {other}: {'missed' if ratio > bar else 'held'} (bar {bar:.2f})"
            if "C epoll" not in other:  # what the bar leaves on this machine to anybody
                least = statistics.median(c / its for c, its in zip(found["C epoll"], found[other], strict=True))
                verdict += f"; C epoll at {least:.2f}"
            print(verdict)
    return 1 if missed else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
