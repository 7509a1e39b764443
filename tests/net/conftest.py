"""Loops of both kinds, a certificate for this machine, and the proof that no socket is left behind."""

import asyncio
import gc
import os
import ssl
import threading
from pathlib import Path

import pytest
import uvloop

from kolben.base._alive import alive

SOON = 20  # seconds that a whole test may take which should be over at once
CERTIFICATE = Path(__file__).with_name("localhost.pem")


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine to its end on each kind of loop, with a deadline; afterwards no stream and no descriptor is left."""

    with asyncio.Runner(loop_factory=request.param) as runner:
        runner.run(asyncio.sleep(0))  # what a kind of loop keeps from its first use on

    def run(main):
        gc.collect()
        before = alive()["streams"], descriptors()
        with asyncio.Runner(loop_factory=request.param) as runner:
            result = runner.run(asyncio.wait_for(main, SOON))
        gc.collect()
        assert (alive()["streams"], descriptors()) == before
        return result

    return run


def descriptors():
    """How many are open, where the system tells."""
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0


@pytest.fixture
def in_thread():
    """Runs a function beside the test, and gives what it raised to the test at its end."""
    threads, raised = [], []

    def start(function, *args):
        def guarded():
            try:
                function(*args)
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        threads.append(thread)
        return thread

    yield start
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()
    if raised:
        raise raised[0]


@pytest.fixture
def server_tls():
    """Who we are: localhost."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def client_tls():
    """Who trusts that certificate."""
    return ssl.create_default_context(cafile=CERTIFICATE)
