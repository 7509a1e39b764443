"""What SIGUSR2 has a serving process say of its routes: in lines for a person, in facts for a machine."""

import json
import logging
import signal

import pytest

from kolben import App
from kolben.http import Handler
from kolben.server.figures import log_routes
from kolben.server.logs import JSONFormatter
from kolben.server.serving import obeyed_signals


@pytest.fixture
def shop():
    """An app with a route that earned and was rescued, a pinned one, a task and one that nobody called."""
    app = App("shop", static_folder=None)
    app.add_url_rule("/user/<name>", "user", lambda name: name)
    app.add_url_rule("/ping", "ping", lambda: "pong", run="inline", methods=["GET", "POST"])
    app.add_url_rule("/never", "never", lambda: "")
    user, ping = app.handler.plan_of("user"), app.handler.plan_of("ping")
    for _ in range(50):
        user.note_in_thread(100, False)
    user.note_rescue()
    user.note_inline(-1)
    ping.note_inline(6_200)
    ping.note_inline(0)
    return app


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, "kolben.routes")
    return caplog


def test_a_line_for_each_route_that_was_called_says_how_often_and_how_long(shop, log):
    log_routes(shop.handler)
    assert log.messages == [
        "Routes: 3, of which 2 were called here",
        "/user/<name>  GET        user  thread (measured)  51 calls  earned 1  lost 1  rescued 1  mean 0.10 ms  longest 0.1 ms",
        "/ping         GET, POST  ping  inline (pinned)     2 calls  earned 0  lost 0  rescued 0  mean 3.10 ms  longest 6.2 ms",
    ]


def test_a_machine_reads_an_object_for_each(shop, log):
    log_routes(shop.handler)
    facts = json.loads(JSONFormatter().format(log.records[1]))
    place = {"route": "/user/<name>", "endpoint": "user", "methods": ["GET"], "domain": ""}
    measured = {"runs": "thread", "pinned": False, "calls": 51, "earned": 1, "lost": 1, "rescued": 1, "mean_us": 100, "longest_us": 100}
    assert {name: value for name, value in facts.items() if name not in {"time", "level", "logger", "pid"}} == place | measured


def test_a_handler_without_rules_says_so(log):
    log_routes(Handler())
    assert log.messages == ["Routes: 0, of which 0 were called here"]


class Asked:
    times = 0

    def log_routes(self):
        self.times += 1


def test_sigusr2_asks_a_server_that_runs_alone():
    server = Asked()
    with obeyed_signals(server):
        signal.raise_signal(signal.SIGUSR2)
    assert server.times == 1
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL


def test_a_signal_that_the_app_has_a_use_for_stays_the_apps():
    seen = []
    before = signal.signal(signal.SIGUSR2, lambda number, _: seen.append(number))
    try:
        with obeyed_signals(Asked()):
            signal.raise_signal(signal.SIGUSR2)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert seen == [signal.SIGUSR2]
