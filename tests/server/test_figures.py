"""What SIGUSR2 has a serving process say of its routes: in lines for a person, in facts for a machine."""

import json
import logging
import signal

import pytest

from kolben import App
from kolben.http import Handler, Request
from kolben.interop._asgi import ASGIHandler
from kolben.interop._hosting import WSGIHandler
from kolben.server.figures import log_figures
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
    log_figures(shop.handler)
    assert log.messages == [
        "Routes: 3, of which 2 were called here",
        "/user/<name>  GET        user  thread (measured)  51 calls  earned 1  lost 1  rescued 1  mean 0.10 ms  longest 0.1 ms",
        "/ping         GET, POST  ping  inline (pinned)     2 calls  earned 0  lost 0  rescued 0  mean 3.10 ms  longest 6.2 ms",
    ]


def test_a_machine_reads_an_object_for_each(shop, log):
    log_figures(shop.handler)
    facts = json.loads(JSONFormatter().format(log.records[1]))
    place = {"route": "/user/<name>", "endpoint": "user", "methods": ["GET"], "domain": ""}
    measured = {"runs": "thread", "pinned": False, "calls": 51, "earned": 1, "lost": 1, "rescued": 1, "mean_us": 100, "longest_us": 100}
    assert {name: value for name, value in facts.items() if name not in {"time", "level", "logger", "pid"}} == place | measured


def test_a_handler_without_rules_says_so(log):
    log_figures(Handler())
    assert log.messages == ["Routes: 0, of which 0 were called here"]


@pytest.mark.parametrize(("kind", "runs"), [(WSGIHandler, "thread (measured)"), (ASGIHandler, "task (pinned)")])
def test_an_application_of_others_is_one_route(log, kind, runs):
    """It finds its way itself, and has no rules that we could know."""

    def legacy(*_): ...

    handler = kind(legacy)
    log_figures(handler)
    handler.match(Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/a"})).note_inline(2_000)
    log_figures(handler)
    assert log.messages == [
        "Routes: 1, of which 0 were called here",
        "Routes: 1, of which 1 were called here",
        f"/*  any  legacy  {runs}  1 calls  earned 0  lost 0  rescued 0  mean 2.00 ms  longest 2.0 ms",
    ]
    facts = log.records[-1].facts
    assert (facts["route"], facts["methods"], facts["endpoint"], facts["mean_us"]) == ("/*", [], "legacy", 2_000)


def test_services_have_a_line_each(shop, log):
    shop.tcp("127.0.0.1:0")(lambda stream: None)
    shop.udp("127.0.0.1:5353", name="dns")(lambda datagram: None)
    shop.services[1].counters.accepted = 3
    log_figures(shop.handler, shop.services)
    assert log.messages[-1] == "Service dns on udp://127.0.0.1:5353: 0 active, 3 accepted, 0 refused, 0 failed"
    facts = json.loads(JSONFormatter().format(log.records[-1]))
    assert (facts["service"], facts["places"], facts["accepted"]) == ("dns", [], 3)


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
