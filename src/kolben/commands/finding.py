"""From what a person wrote ("hello.py", "shop.wsgi:create_app('test')") to an app."""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import traceback
from typing import TYPE_CHECKING, Any, Literal, overload

import click

from kolben.app.app import App

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["NoAppException", "find_app", "find_app_by_string", "find_best_app", "locate_app", "prepare_import", "split_import"]


class NoAppException(click.UsageError):
    """No app was found where it was looked for."""


def find_best_app(module: ModuleType) -> App:
    """Find the app that a module means: `app` or `application`, else its only app, else what `create_app` or `make_app` makes."""
    for name in ("app", "application"):
        value = getattr(module, name, None)
        if isinstance(value, App):
            return value
    apps = [value for value in vars(module).values() if isinstance(value, App)]
    if len(apps) == 1:
        return apps[0]
    if apps:
        raise NoAppException(
            f"Detected multiple Flask applications in module '{module.__name__}'. Use '{module.__name__}:name' to specify the correct one."
        )
    for name in ("create_app", "make_app"):
        factory = getattr(module, name, None)
        if inspect.isfunction(factory):
            app = _call_factory(
                factory,
                (),
                {},
                f"Detected factory '{name}' in module '{module.__name__}', but could not call it without arguments."
                f" Use '{module.__name__}:{name}(args)' to specify arguments.",
            )
            if isinstance(app, App):
                return app
    raise NoAppException(
        f"Failed to find Flask application or factory in module '{module.__name__}'. Use '{module.__name__}:name' to specify one."
    )


def _call_factory(factory: Callable[..., Any], args: Any, kwargs: dict[str, Any], wrong_arguments: str) -> Any:
    try:
        return factory(*args, **kwargs)
    except TypeError as error:
        if _was_entered(factory, error):
            raise
        raise NoAppException(wrong_arguments) from error


def _was_entered(function: Callable[..., Any], error: BaseException) -> bool:
    """Tell whether an error came from inside a function, instead of from calling it wrongly."""
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code is function.__code__:
            return True
        step = step.tb_next
    return False


def find_app_by_string(module: ModuleType, app_name: str) -> App:
    """Find the app that "name" or "name(arguments)" means in a module."""
    name, args, kwargs = _parse_reference(app_name)
    try:
        value = getattr(module, name)
    except AttributeError as error:
        raise NoAppException(f"Failed to find attribute {name!r} in {module.__name__!r}.") from error
    if inspect.isfunction(value):
        value = _call_factory(
            value,
            args,
            kwargs,
            f"The factory {app_name!r} in module {module.__name__!r} could not be called with the specified arguments.",
        )
    if isinstance(value, App):
        return value
    raise NoAppException(f"A valid Flask application was not obtained from '{module.__name__}:{app_name}'.")


def _parse_reference(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    unreadable = f"Failed to parse {text!r} as an attribute name or function call."
    try:
        expression = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise NoAppException(unreadable) from None
    if isinstance(expression, ast.Name):
        return expression.id, [], {}
    if not isinstance(expression, ast.Call):
        raise NoAppException(unreadable)
    if not isinstance(expression.func, ast.Name):
        raise NoAppException(f"Function reference must be a simple name: {text!r}.")
    try:
        args = [ast.literal_eval(value) for value in expression.args]
        kwargs = {word.arg: ast.literal_eval(word.value) for word in expression.keywords if word.arg is not None}
    except ValueError:
        raise NoAppException(f"Failed to parse arguments as literal values: {text!r}.") from None
    return expression.func.id, args, kwargs


def prepare_import(path: str) -> str:
    """Make a file or folder importable, by `sys.path`; return the name to import it by."""
    path = os.path.realpath(path)
    path = path.removesuffix(".py")
    if os.path.basename(path) == "__init__":
        path = os.path.dirname(path)
    names: list[str] = []
    while True:  # up to the folder that is no package
        path, name = os.path.split(path)
        names.insert(0, name)
        if not os.path.exists(os.path.join(path, "__init__.py")):
            break
    if sys.path[0] != path:
        sys.path.insert(0, path)
    return ".".join(names)


@overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: Literal[True] = True) -> App: ...


@overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool) -> App | None: ...


def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool = True) -> App | None:
    """Import a module and find its app.

    Raises:
        NoAppException: there is none; the module is not there (only if asked to); or it raised ImportError itself.
    """
    try:
        __import__(module_name)
    except ImportError as error:
        inside = error.__traceback__ is not None and error.__traceback__.tb_next is not None
        if inside:  # the module was found: one that it imports was not
            raise NoAppException(f"While importing {module_name!r}, an ImportError was raised:\n\n{traceback.format_exc()}") from None
        if raise_if_not_found:
            raise NoAppException(f"Could not import {module_name!r}.") from None
        return None
    module = sys.modules[module_name]
    return find_best_app(module) if app_name is None else find_app_by_string(module, app_name)


def split_import(text: str) -> tuple[str, str | None]:
    r"""Split "path:name"; the colon of a Windows drive ("C:\\") is none of ours."""
    path, *name = re.split(r":(?![\\/])", text, maxsplit=1)
    return path, name[0] if name else None


def find_app(app_import_path: str | None) -> App:
    """Find the app of an import path, or, without one, that of `wsgi.py` or `app.py` in the current folder."""
    if app_import_path:
        path, name = split_import(app_import_path)
        return locate_app(prepare_import(path), name)
    for path in ("wsgi.py", "app.py"):
        app = locate_app(prepare_import(path), None, raise_if_not_found=False)
        if app is not None:
            return app
    raise NoAppException(
        "Could not locate a Flask application. Use the 'flask --app' option, 'FLASK_APP' environment variable, or a"
        " 'wsgi.py' or 'app.py' file in the current directory."
    )
