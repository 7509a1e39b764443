"""`kolben run`: what reaches the server."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.standins import FakeApp, Typed

import kolben.server
from kolben.base import UsageError
from kolben.cli.run import uncollected

Kolben = Callable[..., Typed]
Write = Callable[..., Path]
BARE = ("--no-reload", "--no-debugger")  # the server alone, in this process


def test_the_app_is_served_on_flasks_address(kolben_: Kolben, hello: Path) -> None:
    typed = kolben_("run", "hello.py")
    assert (typed.status, typed.out, typed.err) == (0, "", "")
    (served,) = typed.served
    app = served.pop("app")
    assert app.import_name == "hello"
    assert served == {"binds": ["127.0.0.1:5000"], "debug": False, "threads": None, "access_log": None}


@pytest.mark.parametrize(
    ("options", "binds"),
    [
        (["--port", "8000"], ["127.0.0.1:8000"]),
        (["-p0", "--host", "0.0.0.0"], ["0.0.0.0:0"]),
        (["--host", "::1"], ["[::1]:5000"]),
        (["--host=[::1]", "--port=1"], ["[::1]:1"]),
        (["--host", "unix:///run/shop"], ["unix:/run/shop"]),
        (["-b", "[::1]:80", "--bind", "unix:/run/shop", "-b", "fd://3"], ["[::1]:80", "unix:/run/shop", "fd://3"]),
    ],
)
def test_host_and_port_or_bind_specs_say_where_to_listen(options: list[str], binds: list[str], kolben_: Kolben, hello: Path) -> None:
    assert kolben_("run", *options, "hello.py").served[0]["binds"] == binds


def test_options_may_follow_the_target(kolben_: Kolben, hello: Path) -> None:
    served = kolben_("run", "hello.py", "--threads", "8", "--no-access-log", "--debug", *BARE).served[0]
    assert (served["threads"], served["access_log"], served["debug"], served["app"].debug) == (8, False, True, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "http"], "argument --port/-p: expected a number from 0 to 65535, got 'http'"),
        (["--port", "65536"], "argument --port/-p: expected a number from 0 to 65535, got '65536'"),
        (["--threads", "0"], "argument --threads: expected a number from 1 to 10000, got '0'"),
        (["--potr", "80"], "there is no option --potr. Did you mean --port?"),
        (["--hosts=x"], "there is no option --hosts. Did you mean --host?"),
        (["--workers=4"], "there is no option --workers here: `kolben serve` has it\n  Do: `kolben serve --help`"),
        (["other.py"], "expected one TARGET, got 'other.py' beside it"),
        (["--bind", ":1", "--port", "2"], "expected --bind, or --host and --port, got both"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_served(
    options: list[str], message: str, kolben_: Kolben, hello: Path
) -> None:
    typed = kolben_("run", "hello.py", *options)
    assert (typed.status, typed.out, typed.served) == (2, "", [])
    assert typed.err.startswith(f"kolben: {message}")
    assert "\n  Do: " in typed.err


def test_debug_mode_is_known_while_the_file_is_imported(kolben_: Kolben, write: Write) -> None:
    write("hello.py", "import os", "from flask import Flask", "app = Flask(os.environ['FLASK_DEBUG'])")
    assert kolben_("run", "--debug", *BARE, "hello.py").served[0]["app"].import_name == "1"


def test_the_command_line_wins_over_the_environment(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "true")
    monkeypatch.setenv("FLASK_RUN_PORT", "7000")
    monkeypatch.setenv("FLASK_RUN_HOST", "127.0.0.2")
    served = kolben_("run", *BARE, "hello.py").served[0]
    assert (served["debug"], served["binds"]) == (True, ["127.0.0.2:7000"])
    served = kolben_("run", "--no-debug", "-p", "7001", "--host", "127.0.0.3", "hello.py").served[0]
    assert (served["debug"], served["binds"]) == (False, ["127.0.0.3:7001"])


def test_a_wrong_port_in_the_environment_is_named(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_PORT", "web")
    assert kolben_("run", "hello.py").err == "kolben: FLASK_RUN_PORT: expected a number from 0 to 65535, got 'web'\n"


def test_an_unguarded_run_can_know_that_the_command_line_serves(kolben_: Kolben, hello: Path) -> None:
    """Flask: same variable; App.run() does nothing when it is set."""
    kolben_("run", "hello.py")
    assert os.environ["FLASK_RUN_FROM_CLI"] == "true"


def test_without_doors_flask_is_not_kolben(kolben_: Kolben, write: Write) -> None:
    write("doors.py", "import sys", "from tests.cli.standins import FakeApp", "app = FakeApp(str('flask' in sys.modules))")
    assert kolben_("run", "--no-flask", "doors.py").served[0]["app"].import_name == "False"
    del sys.modules["doors"]
    assert kolben_("run", "doors.py").served[0]["app"].import_name == "True"


def test_a_refusal_of_the_server_is_one_message(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(app: FakeApp, **options: object) -> None:
        raise UsageError("port 5000 is in use")

    monkeypatch.setattr(kolben.server, "run_app", in_use)
    typed = kolben_("run", "hello.py")
    assert (typed.status, typed.err) == (2, "kolben: port 5000 is in use\n")


def test_control_c_ends_without_a_traceback(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(app: FakeApp, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kolben.server, "run_app", interrupted)
    typed = kolben_("run", "hello.py")
    assert (typed.status, typed.err) == (130, "")


def test_an_error_in_the_users_file_ends_with_status_1(kolben_: Kolben, write: Write) -> None:
    write("hello.py", "1 / 0")
    typed = kolben_("run", "hello.py")
    assert typed.status == 1
    assert typed.err.startswith("kolben: an error while importing hello.py:\n\nTraceback")
    assert typed.err.endswith("ZeroDivisionError: division by zero\n")


def test_the_collector_rests_while_the_app_is_loaded_and_not_longer() -> None:
    seen = []

    def load() -> None:
        seen.append(gc.isenabled())
        raise ImportError

    with pytest.raises(ImportError), uncollected():
        load()
    assert (seen, gc.isenabled()) == ([False], True)


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
