"""Which app is meant, and what is said when none is."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.standins import FakeApp, is_fake

from kolben.base import UsageError
from kolben.cli.finder import find_app
from kolben.cli.target import locate

APP = "from tests.cli.standins import FakeApp"
Write = Callable[..., Path]


def find(text: str | None = None) -> Any:
    return find_app(locate(text), is_app=is_fake)


def refusal(text: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        find(text)
    assert not hasattr(caught.value, "exit_status"), "a usage error, not a failure of the user's code"
    return str(caught.value)


FORMS = {
    "hello.py": "app",
    "hello.py:app": "app",
    "./hello.py:admin": "admin",
    "hello": "app",
    "hello:admin": "admin",
    "hello:create_app": "made by ()",
    "hello:create_app()": "made by ()",
    "hello:create_app('test', port=1)": "made by ('test', 1)",
    "hello.py:create_app(port=[1, -2])": "made by ([1, -2],)",
    "hello:make": "made by ('part',)",
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_of_a_target_names_its_app(text: str, write: Write) -> None:
    write(
        "hello.py",
        APP,
        "from functools import partial",
        "def create_app(*args, port=None):",
        "    return FakeApp(f'made by {args + ((port,) if port else ())}')",
        "app, admin, make = FakeApp('app'), FakeApp('admin'), partial(create_app, 'part')",
    )
    assert find(text).import_name == FORMS[text]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["one = FakeApp('one')", "app = FakeApp('app')", "application = FakeApp('application')"], "app"),
        (["one = FakeApp('one')", "application = FakeApp('application')"], "application"),
        (["app = 'no app'", "one = FakeApp('one')"], "one"),
        (["one = FakeApp('one')", "the_same = one", "def create_app(): 1/0"], "one"),
        (["def create_app(): return FakeApp('created')", "def make_app(): 1/0"], "created"),
        (["def make_app(config=None): return FakeApp('made')"], "made"),
    ],
)
def test_the_usual_names_come_before_the_only_app_and_that_before_a_factory(lines: list[str], expected: str, write: Write) -> None:
    write("hello.py", APP, *lines)
    assert find("hello.py").import_name == expected


def test_the_main_part_of_a_file_does_not_run(write: Write) -> None:
    write("hello.py", APP, "app = FakeApp(__name__)", "if __name__ == '__main__': 1/0")
    assert find("hello.py").import_name == "hello"


def test_without_target_the_variable_comes_before_the_usual_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("app.py", APP, "app = FakeApp('from app.py')")
    write("other.py", APP, "app = FakeApp('from other.py')")
    assert find().import_name == "from app.py"
    monkeypatch.setenv("FLASK_APP", "other.py")
    assert find().import_name == "from other.py"


def test_a_usual_file_without_an_app_leaves_the_turn_to_the_next(write: Write) -> None:
    write("app.py", "nothing = 1")
    write("main.py", APP, "app = FakeApp('from main.py')")
    assert find().import_name == "from main.py"


def test_a_folder_means_its_usual_files_and_a_package_itself_first(write: Write) -> None:
    write("plain/wsgi.py", APP, "app = FakeApp(__name__)")
    write("shop/__init__.py", APP, "def create_app(): return FakeApp(__name__)")
    write("empty/__init__.py")
    write("empty/app.py", APP, "app = FakeApp(__name__)")
    assert [find(name).import_name for name in ("plain", "shop/", "empty")] == ["wsgi", "shop", "empty.app"]


def test_a_file_in_a_package_is_imported_with_the_package(write: Write, folder: Path) -> None:
    """Relative imports work, and the folder above the outermost package is first in sys.path."""
    write("src/shop/__init__.py")
    write("src/shop/web/__init__.py")
    write("src/shop/web/views.py", APP, "from .. import names", "app = FakeApp(__name__)")
    write("src/shop/names.py")
    assert find("src/shop/web/views.py").import_name == "shop.web.views"
    assert sys.path[0] == str(folder.resolve() / "src")


def test_the_folder_of_a_file_is_first_in_the_path_wherever_one_stands(write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("site/hello.py", APP, "import beside", "app = FakeApp(beside.NAME)")
    write("site/beside.py", "NAME = 'found'")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert find("../site/hello.py").import_name == "found"
    assert sys.path[0] == str(folder.resolve() / "site")


def test_a_missing_file_is_told_with_similar_names_that_are_there(write: Write, folder: Path) -> None:
    write("hello.py")
    assert refusal("helo.py") == f"there is no file helo.py in {folder}. Did you mean hello.py?"
    assert refusal("nowhere/hello.py").startswith("there is no folder nowhere, so no file hello.py in it")


@pytest.mark.parametrize("name", ["notes.txt", "program"])
def test_a_file_that_is_no_python_is_refused_by_its_name(name: str, write: Write) -> None:
    write(name, "app = 1")
    assert refusal(name) == f"expected a Python file (hello.py), got {name}, which is a file whose name does not end in .py"


def test_a_dangling_link_says_where_it_points(folder: Path) -> None:
    (folder / "hello.py").symlink_to("gone.py")
    assert refusal("hello.py") == "hello.py is a link to gone.py, which is not there"


def test_a_file_without_an_app_is_told_what_was_expected_and_what_came(write: Write) -> None:
    write("hello.py", "app = 'hello'")
    assert refusal("hello.py") == (
        "hello.py has no app: expected an App named app or application, or a function create_app(); its app is a str\n"
        "  Do: make one at the top level, `app = App(__name__)`, or say where it is, as in hello.py:NAME"
    )


def test_two_apps_are_listed(write: Write) -> None:
    write("hello.py", APP, "shop, admin = FakeApp('shop'), FakeApp('admin')")
    assert refusal("hello.py") == "hello.py has 2 apps, admin and shop, and none is named app\n  Do: say which, as in hello.py:admin"


REFUSED = {
    "hello.py:ap": "hello.py has no 'ap'. Did you mean app?",
    "hello.py:NUMBER": "hello.py:NUMBER is an int, not an app: expected an App, or a function that returns one",
    "hello.py:FakeApp": "hello.py:FakeApp is the class FakeApp, not an app: expected an App, or a function that returns one",
    "hello.py:sys": "hello.py:sys is the module sys, not an app: expected an App, or a function that returns one",
    "hello.py:NUMBER()": "hello.py:NUMBER is an int and cannot be called\n  Do: say hello.py:NUMBER, without ()",
    "hello.py:needs": "needs(config, port) of hello.py cannot be called so: missing a required argument: 'config'",
    "hello.py:needs(1, 2, 3)": "needs(config, port) of hello.py cannot be called so: too many positional arguments",
    "hello.py:forgets()": "forgets() of hello.py returned None: expected an App (is its last line `return app`?)",
    "hello.py:waits()": "waits() of hello.py returned a coroutine: expected an App (a factory is a plain `def`)",
    "hello.py:create_app(NUMBER)": "expected a name (app) or a call with plain values",
    "hello.py:create_app(__import__('os'))": "expected a name (app) or a call with plain values",
    "hello.py:a.b": "expected a name (app) or a call with plain values",
    "hello.py:app app": "expected a name (app) or a call with plain values",
    "hello.py:": "expected a file (hello.py), a folder or a module (shop.web)",
    ":app": "expected a file (hello.py), a folder or a module (shop.web)",
    "": "expected a file (hello.py), a folder or a module (shop.web)",
    "he!lo": "expected a file (hello.py), a folder or a module (shop.web)",
    "nosuch": "there is no module 'nosuch': expected nosuch.py or a package nosuch in ",
    "shop.nosuch:app": "there is no module 'shop.nosuch': expected nosuch.py or a package nosuch in the package shop",
    "static": "the folder static has none of app.py, wsgi.py, main.py\n  Do: name the file, as in `kolben run static/hello.py`",
    "my.app.py": "my.app.py cannot be imported, because of the dot in its name\n  Do: rename it to my_app.py",
    "time.py": "time.py cannot be imported as time: another module time has that name (built into Python)\n  Do: rename it",
    "json.py": "json.py cannot be imported as json: another module json has that name",
}


@pytest.mark.parametrize("text", REFUSED)
@pytest.mark.filterwarnings("error")
def test_a_target_that_leads_to_no_app_is_refused_in_one_message(text: str, write: Write) -> None:
    write(
        "hello.py",
        APP,
        "import sys",
        "app, NUMBER = FakeApp('app'), 5",
        "def needs(config, port): return app",
        "def create_app(*args): return app",
        "def forgets(): pass",
        "async def waits(): return app",
    )
    write("shop/__init__.py")
    write("static/style.css")
    for name in ("my.app.py", "time.py", "json.py"):
        write(name, APP, "app = FakeApp('app')")
    assert refusal(text).startswith(REFUSED[text])


def test_a_module_with_a_typing_error_is_told_with_a_similar_name(write: Write) -> None:
    write("hello.py")
    assert refusal("helo:app").endswith(". Did you mean hello?")


def test_no_target_at_all_says_what_was_tried(write: Write, folder: Path) -> None:
    write("hello.py")
    assert refusal() == (
        f"no TARGET was given, FLASK_APP is not set, and none of app.py, wsgi.py, main.py is in {folder}\n"
        "  Do: name your app's file, as in `kolben run hello.py` (hello.py is here)"
    )


def test_a_wrong_variable_is_named_in_the_message(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_APP", "gone.py")
    assert refusal() == f"FLASK_APP=gone.py: there is no file gone.py in {folder}"


def test_a_file_that_cannot_be_read_is_told_without_a_traceback(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(name: str) -> None:
        raise PermissionError(13, "Permission denied")

    write("hello.py")
    monkeypatch.setattr("kolben.cli.finder.import_module", unreadable)
    monkeypatch.setattr("kolben.cli.failure.OURS", {__name__.partition(".")[0], "kolben"})
    assert refusal("hello.py") == "cannot read hello.py: Permission denied"


def test_an_app_of_flask_itself_is_told_from_ours(write: Write) -> None:
    write("hello.py", "Flask = type('Flask', (), {'__module__': 'flask.app'})", "app = Flask()")
    assert "its app is a Flask of Flask itself (leave out --no-flask" in refusal("hello.py")
    assert refusal("hello.py:app").startswith("hello.py:app is a Flask of Flask itself (leave out --no-flask")


def test_the_predicate_alone_says_what_an_app_is(write: Write) -> None:
    write("hello.py", "app = 5")
    assert find_app(locate("hello.py"), is_app=lambda value: value == 5) == 5
    assert not is_fake(FakeApp)
