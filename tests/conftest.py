"""Fixtures of the whole suite: our own public peers that misbehave, and apps whose services run in a thread of their own."""

import gc
import re
import threading
from pathlib import Path

import pytest

from kolben.base import Limits, Timeouts
from kolben.net.service import open_sockets
from kolben.server import Server

SOON = 10
CERTIFICATE = Path(__file__).parent / "net" / "localhost.pem"

pytest_plugins = ["kolben.testing.faults"]


class Running:
    """A server of an app's services; without HTTP."""

    def __init__(self, app, limits, timeouts):
        self.services = {service.name: service for service in app.services}
        for service in app.services:
            service.take(open_sockets(re.sub(r":\d+$", ":0", service.spec)))  # any free port
        self.addresses = {name: where(service.sockets[0]) for name, service in self.services.items()}
        self.server = Server(app.handler, [], limits=limits, timeouts=timeouts, services=app.services)
        self.thread = threading.Thread(target=self.server.run, name="serves")
        self.thread.start()

    def __getitem__(self, name):
        """Where a service is: (host, port), or "unix:/path"."""
        address = self.addresses[name]
        return (address.host, address.port) if hasattr(address, "port") else str(address)

    def counters(self, name):
        return self.services[name].counters

    def call(self, function):
        """Call in the loop's thread; its result."""
        done, result = threading.Event(), []

        def run():
            result.append(function())
            done.set()

        self.server.loop.call_soon_threadsafe(run)
        assert done.wait(SOON), "the server does not turn"
        return result[0]

    def stop(self):
        self.server.stop()
        self.thread.join(SOON)
        assert not self.thread.is_alive(), "the server did not stop"


def where(sock):
    return getattr(sock, "address", None) or sock.local_address


@pytest.fixture
def serving(nothing_left):
    """serving(app) runs its services; at the end they are stopped, and nothing is active."""
    running = []

    def start(app, *, limits=None, timeouts=None):
        made = Running(app, Limits(**limits or {}), Timeouts(**{"graceful": 0.5, "lingering": 0.5} | (timeouts or {})))
        running.append(made)
        return made

    yield start
    for each in running:
        if each.thread.is_alive():
            each.stop()
        assert {name: service.active for name, service in each.services.items() if service.active} == {}


@pytest.fixture
def certificate():
    """A PEM file: a certificate for this machine that signs itself, and its key."""
    return CERTIFICATE


def pytest_collection_finish():
    rest()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    result = yield
    if nextitem is None or nextitem.path != item.path:
        rest()
    return result


def rest():
    """Tests count what is alive after a collection: what is there for good, such as modules, need not be walked through each time."""
    gc.collect()
    gc.freeze()
