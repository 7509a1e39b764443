"""An error in the user's code: the user's own traceback, and what to do about a module that is missing."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.standins import is_fake

from kolben.cli.failure import UserCodeError
from kolben.cli.finder import find_app
from kolben.cli.target import locate

Write = Callable[..., Path]


def failure(text: str) -> str:
    with pytest.raises(UserCodeError) as caught:
        find_app(locate(text), is_app=is_fake)
    assert caught.value.exit_status == 1
    return str(caught.value)


def test_an_error_in_the_users_file_shows_the_users_frames_alone(write: Write) -> None:
    path = write("hello.py", "def divide():", "    return 1 / 0", "divide()")
    assert [line for line in failure("hello.py").splitlines() if "^" not in line] == [
        "an error while importing hello.py:",
        "",
        "Traceback (most recent call last):",
        f'  File "{path}", line 3, in <module>',
        "    divide()",
        f'  File "{path}", line 2, in divide',
        "    return 1 / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_frames_of_ours_and_of_the_import_system_are_shown_in_no_cause_either(write: Write) -> None:
    write("broken.py", "raise KeyError('inner')")
    write(
        "hello.py",
        "from importlib import import_module",
        "try: import_module('broken')",
        "except KeyError as e: raise ValueError('outer') from e",
    )
    message = failure("hello.py")
    assert "KeyError: 'inner'" in message
    assert "ValueError: outer" in message
    assert "importlib/" not in message
    assert "kolben/cli" not in message
    assert "<frozen" not in message


def test_a_syntax_error_shows_file_line_and_caret(write: Write) -> None:
    path = write("hello.py", "", "app = = 5")
    message = failure("hello.py")
    assert f'File "{path}", line 2' in message
    assert "    app = = 5\n          ^\nSyntaxError: invalid syntax" in message
    assert "Traceback" not in message


def test_an_error_in_a_factory_shows_the_factory(write: Write) -> None:
    write("hello.py", "def create_app(): return int('x') + len(5)")
    message = failure("hello.py")
    assert message.startswith("an error while calling create_app() of hello.py:\n\nTraceback")
    assert "in create_app" in message


def test_a_type_error_inside_a_factory_is_not_taken_for_wrong_arguments(write: Write) -> None:
    write("hello.py", "def create_app(): return len()")
    assert "TypeError: len()" in failure("hello.py:create_app()")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("import flask_nosuch", f"install what is missing, with this Python: {sys.executable} -m pip install flask-nosuch"),
        ("from jose import jwt", f"install what is missing, with this Python: {sys.executable} -m pip install python-jose"),
        ("import modles", "check the spelling of modles. Did you mean models"),
        ("import jsonn", "check the spelling of jsonn. Did you mean json"),
        ("import json.nosuch", "json is there, but has no json.nosuch"),
        ("import names", "names is in the same package: `from . import names`"),
    ],
)
def test_a_missing_module_is_told_with_what_to_do(line: str, advice: str, write: Write) -> None:
    write("models.py")
    write("shop/__init__.py")
    write("shop/names.py")
    write("shop/hello.py", line)
    message = failure("shop/hello.py")
    assert "ModuleNotFoundError: No module named" in message
    assert f"\n\n  Do: {advice}" in message


def test_a_missing_flask_is_told_that_the_doors_were_left_closed(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask", None)
    write("hello.py", "import flask")
    assert "Do: leave out --no-flask: without it `import flask` means Kolben" in failure("hello.py")


def test_a_module_that_fails_inside_is_not_called_missing(write: Write) -> None:
    """The module that was typed is there; what it imports is not."""
    write("shop/web.py", "import gone_for_good")
    assert failure("shop.web:app").startswith("an error while importing shop.web:\n\nTraceback")


def test_an_exit_that_the_users_file_asks_for_is_left_alone(write: Write) -> None:
    write("hello.py", "raise SystemExit('no configuration')")
    with pytest.raises(SystemExit, match="no configuration"):
        find_app(locate("hello.py"), is_app=is_fake)
