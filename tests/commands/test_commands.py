"""Commands of apps: found, run in context, listed."""

import os
import ssl
import sys
import types
from functools import partial

import click
import pytest
import werkzeug.serving
from click.testing import CliRunner

from kolben import dev
from kolben.app import App
from kolben.app.running import bind_of
from kolben.commands import (
    AppGroup,
    FlaskGroup,
    NoAppException,
    ScriptInfo,
    find_best_app,
    load_dotenv,
    locate_app,
    prepare_import,
    routes_command,
    run_command,
    with_appcontext,
)
from kolben.commands.finding import find_app_by_string, split_import
from kolben.flask import current_app, has_app_context


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch):
    for key in ("FLASK_APP", "FLASK_DEBUG", "FLASK_RUN_FROM_CLI", "FLASK_SKIP_DOTENV", "WERKZEUG_RUN_MAIN"):
        monkeypatch.setenv(key, "")  # so that what a command sets is taken back
        monkeypatch.delenv(key)


def module(**names):
    made = types.ModuleType("shop")
    vars(made).update(names)
    return made


# -- Finding the app


@pytest.mark.parametrize("name", ["app", "application", "anything"])
def test_an_app_is_found_by_name_or_because_it_is_the_only_one(name):
    app = App("x")
    assert find_best_app(module(**{name: app, "other": 1})) is app


@pytest.mark.parametrize("name", ["create_app", "make_app"])
def test_a_factory_is_called(name):
    assert find_best_app(module(**{name: lambda: App("made")})).name == "made"


def test_none_and_several_and_a_factory_with_arguments():
    with pytest.raises(NoAppException, match=r"Failed to find Flask application or factory in module 'shop'. Use 'shop:name'"):
        find_best_app(module())
    with pytest.raises(NoAppException, match="Detected multiple Flask applications in module 'shop'"):
        find_best_app(module(a=App("a"), b=App("b")))
    with pytest.raises(NoAppException, match="Detected factory 'create_app' in module 'shop', but could not call it"):
        find_best_app(module(create_app=lambda x: App("a")))

    def create_app():
        raise TypeError("inside")

    with pytest.raises(TypeError, match="inside"):
        find_best_app(module(create_app=create_app))


@pytest.mark.parametrize("text", ["app", "create_app", "create_app()", "create_app('x', debug=True)", " app "])
def test_names_and_calls(text):
    assert find_app_by_string(module(app=App("x"), create_app=lambda name="x", debug=False: App(name)), text).name == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "Failed to find attribute 'nothing' in 'shop'"),
        ("number", "A valid Flask application was not obtained from 'shop:number'"),
        ("create_app(1, 2)", "could not be called with the specified arguments"),
        ("create_app(x)", "Failed to parse arguments as literal values"),
        ("a.b()", "Function reference must be a simple name"),
        ("a b", "Failed to parse 'a b'"),
        ("a[0]", r"Failed to parse 'a\[0\]'"),
    ],
)
def test_what_is_no_app(text, message):
    with pytest.raises(NoAppException, match=message):
        find_app_by_string(module(number=1, create_app=lambda: App("x")), text)


def test_files_become_importable(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    package = tmp_path / "shop_package" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package / "wsgi.py").write_text("from kolben.app import App\napp = App(__name__)\n")
    (tmp_path / "broken_shop.py").write_text("import nothing_like_that\n")
    assert prepare_import(str(package / "wsgi.py")) == "shop_package.inner.wsgi"
    assert sys.path[0] == str(tmp_path)
    assert prepare_import(str(package / "__init__.py")) == "shop_package.inner"
    assert locate_app("shop_package.inner.wsgi", None).name == "shop_package.inner.wsgi"
    with pytest.raises(NoAppException, match="While importing 'broken_shop', an ImportError was raised"):
        locate_app("broken_shop", None)
    with pytest.raises(NoAppException, match="Could not import 'missing_shop'"):
        locate_app("missing_shop", None)
    assert locate_app("missing_shop", None, raise_if_not_found=False) is None
    for name in ("shop_package", "shop_package.inner", "shop_package.inner.wsgi"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a.py", ("a.py", None)), ("a:b", ("a", "b")), ("C:\\a.py:b", ("C:\\a.py", "b")), ("a:f(x=':')", ("a", "f(x=':')"))],
)
def test_import_paths_are_split_at_the_colon_that_is_no_drive(text, parts):
    assert split_import(text) == parts


def test_script_info_loads_once_and_sets_debug_mode(monkeypatch):
    made = []
    info = ScriptInfo(create_app=lambda: (made.append(1), App("x"))[1])
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert info.load_app().debug
    assert info.load_app() is info.load_app()
    assert made == [1]
    app = App("y")
    app.debug = False
    assert not ScriptInfo(create_app=lambda: app, set_debug_flag=False).load_app().debug


def test_the_current_folder_is_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(NoAppException, match=r"Could not locate a Flask application. Use the 'flask --app' option"):
        ScriptInfo().load_app()
    (tmp_path / "app.py").write_text("from kolben.app import App\napp = App('found')\n")
    sys.modules.pop("app", None)
    assert ScriptInfo().load_app().name == "found"
    sys.modules.pop("app", None)


# -- Commands


def test_commands_run_in_the_apps_context():
    app = App("shop")

    @app.cli.command()
    def who():
        click.echo(current_app.name)

    @app.cli.command(with_appcontext=False)
    def without():
        click.echo(bool(current_app))

    @app.cli.group()
    def inner():
        pass

    @inner.command()
    def deep():
        click.echo(current_app.name)

    runner = app.test_cli_runner()
    assert runner.invoke(args=["who"]).output == "shop\n"
    assert runner.invoke(args=["without"]).output == "False\n"
    assert runner.invoke(args=["inner", "deep"]).output == "shop\n"
    assert app.cli.name == "shop"
    assert isinstance(inner, AppGroup)


def test_teardown_comes_when_the_command_is_over():
    app, order = App("shop"), []
    app.teardown_appcontext(lambda error: order.append("teardown"))
    app.cli.command("go")(lambda: order.append("command"))
    app.test_cli_runner().invoke(args=["go"])
    assert order == ["command", "teardown"]


def test_a_click_command_may_ask_for_the_context():
    @click.command()
    @with_appcontext
    def who():
        click.echo(current_app.name)

    assert CliRunner().invoke(who, obj=ScriptInfo(create_app=lambda: App("shop"))).output == "shop\n"


def test_a_group_lists_and_runs_the_apps_commands():
    def create_app():
        app = App("shop")
        app.cli.command("own")(lambda: click.echo(f"own {current_app.name} {os.environ['FLASK_RUN_FROM_CLI']}"))
        return app

    group = FlaskGroup("tool", create_app=create_app)
    listing = CliRunner().invoke(group, ["--help"]).output
    assert all(name in listing for name in ("own", "run", "shell", "routes"))
    assert CliRunner().invoke(group, ["own"]).output == "own shop true\n"


def test_a_broken_app_does_not_break_help():
    def create_app():
        raise ZeroDivisionError

    answer = CliRunner().invoke(FlaskGroup("tool", create_app=create_app), ["--help"])
    assert answer.exit_code == 0
    assert "routes" in answer.output
    assert "ZeroDivisionError" in answer.output


def test_debug_and_version_are_options():
    group = FlaskGroup("tool", create_app=lambda: App("shop"))
    group.command("debug")(lambda: click.echo(current_app.debug))
    assert CliRunner().invoke(group, ["--debug", "debug"]).output == "True\n"
    assert "Kolben" in CliRunner().invoke(group, ["--version"]).output


# -- routes


@pytest.fixture
def routes():
    app = App("shop")
    app.add_url_rule("/b", "yy", print, methods=["GET", "POST"])
    app.add_url_rule("/a", "zz", print)
    return lambda *args: CliRunner().invoke(FlaskGroup("tool", create_app=lambda: app), ["routes", *args]).output


def test_routes_are_shown_as_a_table(routes):
    assert [line.rstrip() for line in routes().splitlines()] == [
        "Endpoint  Methods    Rule",
        "--------  ---------  -----------------------",
        "static    GET        /static/<path:filename>",
        "yy        GET, POST  /b",
        "zz        GET        /a",
    ]


@pytest.mark.parametrize(("sort", "first"), [("rule", "/a"), ("match", "/static/<path:filename>"), ("methods", "/static/<path:filename>")])
def test_routes_are_sorted(routes, sort, first):
    lines = routes("--sort", sort).splitlines()
    assert lines[2].split()[-1] == first or sort == "match"
    assert "OPTIONS" in routes("--all-methods")


def test_no_routes_and_hosts():
    bare = App("x", static_folder=None)
    assert CliRunner().invoke(routes_command, obj=ScriptInfo(create_app=lambda: bare)).output == "No routes were registered.\n"
    hosts = App("x", static_folder=None, host_matching=True)
    hosts.add_url_rule("/", "a", print, host="a.test")
    assert "Host" in CliRunner().invoke(routes_command, obj=ScriptInfo(create_app=lambda: hosts)).output


def test_the_shell_knows_the_apps_names(monkeypatch):
    app, seen = App("shop"), {}
    app.shell_context_processor(lambda: {"extra": 1})
    monkeypatch.setattr("code.interact", lambda banner, local: seen.update(local, banner=banner))
    monkeypatch.delattr(sys, "__interactivehook__", raising=False)
    CliRunner().invoke(FlaskGroup("tool", create_app=lambda: app), ["shell"], catch_exceptions=False)
    assert seen["app"] is app
    assert seen["extra"] == 1
    assert "App: shop" in seen["banner"]


# -- Serving


@pytest.fixture
def served(monkeypatch):
    calls = []
    server = types.ModuleType("kolben.server")
    server.run_app = lambda app, **options: calls.append((app, options))
    monkeypatch.setitem(sys.modules, "kolben.server", server)
    return calls


def test_run_calls_our_server(served, capsys):
    app = App("shop")
    app._got_first_request = True
    app.run(port=0, debug=True, load_dotenv=False, use_reloader=False, use_debugger=False)
    assert served == [(app, {"binds": ["127.0.0.1:0"], "debug": True})]
    assert capsys.readouterr().out == " * Serving Flask app 'shop'\n * Debug mode: on\n"
    assert not app._got_first_request


def test_what_werkzeugs_server_knows_alone_changes_nothing(served):
    App("shop").run(load_dotenv=False, threaded=False, processes=2, request_handler=object, static_files={}, passthrough_errors=True)
    assert served[0][1] == {"binds": ["127.0.0.1:5000"], "debug": False}


def test_tls_is_refused(served):
    with pytest.raises(SystemExit, match="TLS is not there yet"):
        App("shop").run(load_dotenv=False, ssl_context="adhoc")
    assert served == []


@pytest.fixture
def development(monkeypatch):
    """Records what the room of development is asked for."""
    calls = []
    monkeypatch.setattr(dev, "serve", lambda app, binds, wanted: calls.append((app, binds, wanted)))
    monkeypatch.setattr(dev, "reload", lambda binds: calls.append(binds) or 5)
    return calls


def test_debug_mode_reloads_in_a_process_of_its_own(development, monkeypatch):
    app = App("shop")
    with pytest.raises(SystemExit) as ended:
        app.run(debug=True, load_dotenv=False)
    assert (ended.value.code, development) == (5, [["127.0.0.1:5000"]])
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    app.run(debug=True, load_dotenv=False, extra_files=["a"], exclude_patterns=["*/b"], reloader_interval=3, use_evalex=False)
    wanted = dev.Development(extra_files=("a",), exclude_patterns=("*/b",), interval=3, evaluate=False)
    assert development[1:] == [(app, ["127.0.0.1:5000"], wanted)]


@pytest.mark.parametrize("options", [["--debug", "--no-reload"], ["--debugger"]])
def test_the_run_command_takes_the_debugger_without_the_reloader(development, options):
    group = FlaskGroup("tool", create_app=lambda: App("shop"))
    assert CliRunner().invoke(group, ["run", *options], catch_exceptions=False).exit_code == 0
    [(app, binds, wanted)] = development
    assert (app.name, binds, wanted) == ("shop", ["127.0.0.1:5000"], dev.Development(reload=False))


def test_an_app_context_around_run_is_not_that_of_the_requests(monkeypatch):
    """Flask: same, its development server answers in threads.  Requests that shared a `g` would share users."""
    seen = []
    server = types.ModuleType("kolben.server")
    server.run_app = lambda app, **options: seen.append(has_app_context())
    monkeypatch.setitem(sys.modules, "kolben.server", server)
    app = App("shop")
    with app.app_context():
        app.run(load_dotenv=False)
    assert seen == [False]


def test_run_calls_what_replaced_werkzeugs_server(served, monkeypatch):
    calls = []
    monkeypatch.setattr(werkzeug.serving, "run_simple", lambda *args, **options: calls.append((args, options)))
    app = App("shop")
    app.run(load_dotenv=False)
    assert served == []
    assert calls == [(("127.0.0.1", 5000, app), {"use_reloader": False, "use_debugger": False, "threaded": True})]


@pytest.mark.parametrize(
    ("name", "host", "port", "bind"),
    [
        (None, None, None, "127.0.0.1:5000"),
        ("pocoo.test:8000", None, None, "pocoo.test:8000"),
        ("pocoo.test", None, 80, "pocoo.test:80"),
        ("pocoo.test:8000", "localhost", 0, "localhost:0"),
        (None, "::1", 5000, "[::1]:5000"),
    ],
)
def test_where_run_listens(served, name, host, port, bind):
    app = App("shop")
    app.config["SERVER_NAME"] = name
    app.run(host, port, load_dotenv=False)
    assert served[0][1]["binds"] == [bind]


def test_unix_sockets_in_flasks_spelling():
    assert bind_of("unix:///run/shop.sock", 5000) == bind_of("unix:/run/shop.sock", 5000) == "unix:/run/shop.sock"


def test_run_does_not_serve_while_a_command_imports_the_file(served, monkeypatch, capsys):
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    App("shop").run()
    assert served == []
    assert "Ignoring a call to 'app.run()'" in capsys.readouterr().out


def test_the_run_command_serves(served):
    group = FlaskGroup("tool", create_app=lambda: App("shop"))
    answer = CliRunner().invoke(
        group, ["run", "--port", "81", "--host", "::1", "--no-reload", "--no-debugger", "--debug", "--without-threads"]
    )
    assert answer.exit_code == 0, answer.output
    [(app, options)] = served
    assert app.name == "shop"
    assert options == {"binds": ["[::1]:81"], "debug": True}


def test_an_app_that_fails_after_a_reload_answers_with_its_error(served, monkeypatch, capsys):
    def create_app():
        raise ZeroDivisionError("broken")

    group = FlaskGroup("tool", create_app=create_app)
    assert isinstance(CliRunner().invoke(group, ["run"]).exception, ZeroDivisionError)
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    CliRunner().invoke(group, ["run"], catch_exceptions=False)
    with pytest.raises(ZeroDivisionError, match="broken"):
        served[0][0]({}, None)


def certificate(*args):
    return run_command.make_context("run", list(args)).params.get("cert")


def test_certificates(tmp_path, monkeypatch):
    file = tmp_path / "cert.pem"
    file.write_text("")
    path = os.path.realpath(file)
    assert certificate("--cert", str(file), "--key", str(file)) == (path, path)
    monkeypatch.setitem(sys.modules, "cryptography", types.ModuleType("cryptography"))
    assert certificate("--cert", "adhoc") == "adhoc"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    monkeypatch.setitem(sys.modules, "shop_context", module(context=context))
    assert certificate("--cert", "shop_context:context") is context
    wrong = partial(pytest.raises, click.BadParameter)
    with wrong(match='Required when using "--cert"'):
        certificate("--cert", str(file))
    with wrong(match='"--cert" must also be specified'):
        certificate("--key", str(file))
    with wrong(match='"adhoc", "--key" is not used'):
        certificate("--cert", "adhoc", "--key", str(file))
    with wrong(match='SSLContext object, "--key" is not used'):
        certificate("--cert", "shop_context:context", "--key", str(file))
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with wrong(match="requires the cryptography library"):
        certificate("--cert", "adhoc")


def test_files_of_the_environment(tmp_path, monkeypatch):
    pytest.importorskip("dotenv")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("A=env\nB=env\nSET=env\n")
    (tmp_path / ".flaskenv").write_text("A=flaskenv\nC=flaskenv\n")
    (tmp_path / "mine").write_text("B=mine\n")
    for key in "ABC":
        monkeypatch.setenv(key, "")
        monkeypatch.delenv(key)
    monkeypatch.setenv("SET", "already")
    assert load_dotenv("mine")
    assert [os.environ[key] for key in ("A", "B", "C", "SET")] == ["env", "mine", "flaskenv", "already"]


def test_files_of_the_environment_without_the_reader_of_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "dotenv", None)
    assert load_dotenv() is False
    assert capsys.readouterr().err == ""
    (tmp_path / ".env").write_text("A=1")
    assert load_dotenv() is False
    assert "Install python-dotenv" in capsys.readouterr().err
