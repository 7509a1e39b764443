"""From a place to the app: imports the user's module and looks for the app in it.

What an app is, a predicate says: by default an instance of `kolben.App`, which through the doors `flask.Flask` is too.  Where there is
none, a WSGI or ASGI application of somebody else will do.
Every refusal is a UsageError; an error of the user's own code is a UserCodeError, with the user's traceback.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from kolben.base.errors import UsageError
from kolben.cli.target import Target
from kolben.cli.terminal import did_you_mean

__all__ = ["IsApp", "find_app", "is_app"]

IsApp = Callable[[object], bool]
Arguments = tuple[Sequence[Any], dict[str, Any]]  # by position, by name

APPS = ("app", "application")
FACTORIES = ("create_app", "make_app")
NOTHING: Arguments = ((), {})


def is_app(value: object) -> bool:
    """Tell whether this is an app of ours."""
    from kolben.app import App

    return isinstance(value, App)


def is_foreign(value: object) -> bool:
    """Tell whether this is somebody else's application, of WSGI or ASGI.

    A plain function of two arguments is one if they are called as in PEP 3333: it could be a factory that lacks its arguments.
    """
    from kolben.interop.detection import interface_of

    interface = interface_of(value)
    if interface != "wsgi" or not inspect.isfunction(value):
        return interface is not None
    first, second = list(inspect.signature(value).parameters)[:2]
    return first.startswith("env") or second.startswith("start")


def find_app(targets: Sequence[Target], is_app: IsApp = is_app) -> Any:
    """Return the app of the first place that has one.

    Raises:
        UsageError: no place has one; says so of each.
        UserCodeError: a place cannot be imported, or its factory fails.
    """
    refusals = []
    for target in targets:
        module = load(target)
        try:
            return named_app(module, target, is_app) if target.expression else best_app(module, target, is_app)
        except NoApp as refusal:
            refusals.append(str(refusal))
    raise UsageError("\n".join(refusals))


class NoApp(UsageError):
    """This place has no app; the next one may."""


def load(target: Target) -> ModuleType:
    """Import the module, without its `if __name__ == "__main__"` part."""
    if sys.path[:1] != [str(target.root)]:
        sys.path.insert(0, str(target.root))
    try:
        module = import_module(target.module)
    except Exception as error:
        raise import_refusal(error, target) from None
    came = getattr(module, "__file__", None)
    if target.file and (not came or Path(came).resolve() != target.file):
        top = target.module.partition(".")[0]
        raise UsageError(
            f"{target.label} cannot be imported as {target.module}: another module {top} has that name"
            f" ({came or 'built into Python'})\n  Do: rename {'it' if top == target.module else top}"
        )
    return module


def import_refusal(error: Exception, target: Target) -> UsageError:
    """Tell a module that is not there from one that fails inside."""
    from kolben.cli.failure import explain, without_ours

    inside = without_ours(error.__traceback__) is not None
    if isinstance(error, ModuleNotFoundError) and not inside and error.name and f"{target.module}.".startswith(f"{error.name}."):
        return module_missing(error.name, target)
    if isinstance(error, OSError) and not inside:
        return UsageError(f"cannot read {target.label}: {error.strerror or error}")
    return explain(error, f"importing {target.label}", target)


def module_missing(name: str, target: Target) -> UsageError:
    """Say that the module that was typed is not there, and which similar one is."""
    from kolben.cli.failure import modules_in

    parent, _, last = name.rpartition(".")
    similar = "" if parent else did_you_mean(last, modules_in(target.root))
    place = f"in the package {parent}" if parent else f"in {target.root} or among what is installed in this Python ({sys.executable})"
    return UsageError(f"there is no module {name!r}: expected {last}.py or a package {last} {place}{similar}")


def best_app(module: ModuleType, target: Target, is_app: IsApp) -> Any:
    """Return the app by the usual names, else the only one, else what a factory makes.  Flask: same order."""
    names = vars(module)
    for name in APPS:
        if is_app(names.get(name)):
            return names[name]
    apps = {id(value): name for name, value in reversed(names.items()) if is_app(value)}  # two names of one app count once
    if len(apps) == 1:
        return names[next(iter(apps.values()))]
    if apps:
        found = sorted(apps.values())
        raise UsageError(
            f"{target.label} has {len(apps)} apps, {' and '.join(found)}, and none is named app\n"
            f"  Do: say which, as in {target.label}:{found[0]}"
        )
    for name in FACTORIES:
        if is_factory(names.get(name)):
            return made_app(names[name], name, NOTHING, target, is_app)
    for name in APPS:
        if is_foreign(names.get(name)):
            return names[name]
    raise NoApp(no_app(names, target))


def no_app(names: dict[str, Any], target: Target) -> str:
    """Say what was expected in the module, and what came."""
    other = "".join(f"; its {name} is {kind(names[name])}" for name in APPS if name in names)
    return (
        f"{target.label} has no app: expected an App named app or application, or a function create_app(){other}\n"
        f"  Do: make one at the top level, `app = App(__name__)`, or say where it is, as in {target.label}:NAME"
    )


def named_app(module: ModuleType, target: Target, is_app: IsApp) -> Any:
    """Return the app that the expression behind the colon names or makes."""
    name, call = read_expression(target)
    try:
        value = getattr(module, name)
    except AttributeError:
        public = [known for known in vars(module) if not known.startswith("_")]
        apps = [known for known in public if is_app(getattr(module, known))]
        advice = f"as in {target.label.partition(':')[0]}:{apps[0]}" if apps else "after making one, `app = App(__name__)`"
        raise NoApp(f"{target.label} has no {name!r}{did_you_mean(name, public)}\n  Do: name an app that it has, {advice}") from None
    if call is not None:
        return made_app(value, name, call, target, is_app)
    if is_app(value) or is_foreign(value):
        return value
    if is_factory(value):
        return made_app(value, name, NOTHING, target, is_app)
    raise UsageError(f"{target.label}:{name} is {kind(value)}, not an app: expected an App, or a function that returns one")


def read_expression(target: Target) -> tuple[str, Arguments | None]:
    """Read `app`, `create_app()` or `create_app("test", port=1)`: the name, and the call's arguments.

    SECURITY: arguments are literals; nothing is evaluated.
    """
    text = target.expression or ""
    refusal = UsageError(f"expected a name (app) or a call with plain values (create_app('test', port=1)) behind the colon, got {text!r}")
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, None
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise refusal
        positional = [ast.literal_eval(value) for value in tree.args]
        return tree.func.id, (positional, {str(word.arg): ast.literal_eval(word.value) for word in tree.keywords if word.arg})
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # what ast is documented to raise
        raise refusal from None


def made_app(factory: Any, name: str, arguments: Arguments, target: Target, is_app: IsApp) -> Any:
    """Call the factory and return its app."""
    if not callable(factory):
        raise UsageError(f"{target.label}:{name} is {kind(factory)} and cannot be called\n  Do: say {target.label}:{name}, without ()")
    check_arguments(factory, name, arguments, target)
    positional, words = arguments
    try:
        app = factory(*positional, **words)
    except Exception as error:
        from kolben.cli.failure import explain

        raise explain(error, f"calling {name}() of {target.label}", target) from None
    if is_app(app) or is_foreign(app):
        return app
    if inspect.iscoroutine(app):
        app.close()  # or Python would warn, after our message, that it was never awaited
    raise UsageError(f"{name}() of {target.label} returned {kind(app)}: expected an App{hint(app)}")


def check_arguments(factory: Any, name: str, arguments: Arguments, target: Target) -> None:
    """Refuse arguments that the factory does not take, before a TypeError from inside it could be taken for that."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return  # some natively written callables do not tell
    try:
        signature.bind(*arguments[0], **arguments[1])
    except TypeError as error:
        raise UsageError(
            f"{name}{signature} of {target.label} cannot be called so: {error}\n"
            f"  Do: give its arguments as plain values, as in '{target.label}:{name}(\"test\", port=1)'"
        ) from None


def is_factory(value: object) -> bool:
    """May this be called to get an app?  Classes and objects with a `__call__`, such as WSGI middleware, are not meant."""
    return inspect.isroutine(value) or isinstance(value, partial)


def kind(value: object) -> str:
    """Say what something is, for a message."""
    if value is None:
        return "None"
    if isinstance(value, (type, ModuleType)) or inspect.isroutine(value):
        return f"the {'class' if isinstance(value, type) else type(value).__name__} {value.__name__}"
    name = type(value).__name__
    what = f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
    module = type(value).__module__.partition(".")[0]
    if module == "flask":
        return f"{what} of Flask itself (leave out --no-flask: `import flask` then means Kolben)"
    return what if module == "builtins" else f"{what} of {module}"


def hint(app: object) -> str:
    """Say why what a factory returned is perhaps no app."""
    if app is None:
        return " (is its last line `return app`?)"
    if inspect.iscoroutine(app):
        return " (a factory is a plain `def`)"
    return ""
