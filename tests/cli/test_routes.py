"""`kolben routes`: the table that a person reads and the JSON that a program reads."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.standins import Typed

from kolben import App
from kolben.app.routes import routes_of
from kolben.cli.routes import as_table
from kolben.server.pidfile import PidFile

Kolben = Callable[..., Typed]


@pytest.fixture
def shop(write: Callable[..., Path]) -> Path:
    return write(
        "shop.py",
        "from flask import Flask",
        "from werkzeug.routing import Rule",
        "app = Flask(__name__)",
        "@app.route('/b', methods=('GET', 'POST'))",
        "def save(): pass",
        "@app.route('/c')",
        "async def chat(): pass",
        "@app.route('/e', run='thread')",
        "async def pinned(): pass",
        "@app.route('/a/<int:n>', run='inline')",
        "def answer(n): pass",
        "app.url_map.add(Rule('/d', endpoint='later'))",
    )


def test_the_table_shows_rule_methods_endpoint_and_where_the_view_runs(kolben_: Kolben, shop: Path) -> None:
    assert kolben_("routes", "shop.py").out.splitlines() == [
        "Rule        Methods    Endpoint  Runs",
        "/a/<int:n>  GET        answer    inline",
        "/c          GET        chat      task",
        "/d          any        later     -",
        "/e          GET        pinned    thread",
        "/b          GET, POST  save      thread (measured)",
    ]


@pytest.mark.parametrize(
    ("sort", "endpoints"),
    [
        ("endpoint", ["answer", "chat", "later", "pinned", "save"]),
        ("rule", ["answer", "save", "chat", "later", "pinned"]),
        ("methods", ["later", "answer", "chat", "pinned", "save"]),
        ("match", ["save", "chat", "pinned", "answer", "later"]),
        ("runs", ["later", "answer", "chat", "save", "pinned"]),
    ],
)
def test_rows_are_sorted_as_asked(sort: str, endpoints: list[str], kolben_: Kolben, shop: Path) -> None:
    rows = json.loads(kolben_("routes", "--sort", sort, "--json", "shop.py").out)
    assert [row["endpoint"] for row in rows] == endpoints


def test_json_holds_what_the_table_shows(kolben_: Kolben, shop: Path) -> None:
    rows = json.loads(kolben_("routes", "shop.py", "--json", "--all-methods").out)
    figures = {"calls": 0, "earned": 0, "lost": 0, "rescued": 0, "mean": 0, "longest": 0}
    facts = {"rule": "/a/<int:n>", "methods": ["GET", "HEAD"], "endpoint": "answer", "runs": "inline", "domain": "", "pinned": True}
    assert rows[0] == facts | figures


def test_in_a_process_that_serves_the_table_shows_what_was_measured() -> None:
    app = App("shop", static_folder=None)
    app.add_url_rule("/", "index", lambda: "hello")
    plan = app.handler.plan_of("index")
    for _ in range(50):
        plan.note_in_thread(100, False)
    plan.note_rescue()
    assert as_table(routes_of(app)).splitlines() == [
        "Rule  Methods  Endpoint  Runs               Calls  Earned  Lost  Rescued",
        "/     GET      index     thread (measured)  50     1       1     1",
    ]


def test_a_server_that_runs_is_asked_for_its_figures(kolben_: Kolben, folder: Path) -> None:
    asked: list[int] = []
    before = signal.signal(signal.SIGUSR2, lambda number, _: asked.append(number))
    held = PidFile(folder / "pid")
    try:
        typed = kolben_("routes", "--live", "--pid-file", str(folder / "pid"))
    finally:
        held.close()
        signal.signal(signal.SIGUSR2, before)
    assert (typed.status, asked) == (0, [signal.SIGUSR2])
    assert "into the server's log" in typed.out


def test_a_server_that_does_not_run_is_not_asked(kolben_: Kolben, folder: Path) -> None:
    (folder / "pid").write_text("1\n")
    typed = kolben_("routes", "--live", "--pid-file", str(folder / "pid"))
    assert typed.status == 2
    assert "it was left behind" in typed.err


def test_the_domain_is_shown_if_a_rule_has_one(kolben_: Kolben, write: Callable[..., Path]) -> None:
    write(
        "shop.py",
        "from flask import Flask",
        "from werkzeug.routing import Rule",
        "app = Flask(__name__)",
        "app.url_map.add(Rule('/', endpoint='index', subdomain='admin'))",
    )
    assert kolben_("routes", "shop.py").out.splitlines() == [
        "Rule  Methods  Endpoint  Runs  Domain",
        "/     any      index     -     admin",
    ]


def test_an_app_without_routes_says_so(kolben_: Kolben, write: Callable[..., Path]) -> None:
    write("shop.py", "from flask import Flask", "app = Flask(__name__)")
    assert kolben_("routes", "shop.py").out == "No routes.\n"


def test_an_order_that_does_not_exist_is_refused(kolben_: Kolben, shop: Path) -> None:
    typed = kolben_("routes", "shop.py", "--sort", "size")
    assert typed.status == 2
    assert "invalid choice: 'size'" in typed.err
