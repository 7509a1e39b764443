"""`python -m kolben hello.py`: a file as a script, with the doors open, so that its `app.run()` serves."""

import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

from kolben.base.errors import UsageError
from kolben.cli.failure import without_our_head
from kolben.cli.run import open_doors
from kolben.cli.target import existing_file

__all__ = ["run_script"]


def run_script(path: str, arguments: list[str], *, doors: bool = True) -> int:
    """Run the file as `python FILE ARGUMENTS` would: `__main__`, `sys.argv`, `sys.path[0]`, uncaught errors.

    Not runpy: it puts `sys.modules["__main__"]` back while threads of the script may still run.
    """
    file = existing_file(path)
    sys.argv[:] = [path, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = str(file.parent)  # instead of the folder that `-m` put there
    if doors:
        open_doors()
    try:
        execute(path)
    except UsageError:
        raise  # such as a port in use: a message, no traceback
    except Exception as error:
        error.__traceback__ = without_our_head(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def execute(path: str) -> None:
    """Run the file's code in a module that is `__main__` from now on."""
    loader = SourceFileLoader("__main__", path)
    module = ModuleType("__main__")
    vars(module).update(__file__=path, __loader__=loader, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    code = loader.source_to_code(loader.get_data(path), path)
    exec(code, vars(module))  # noqa: S102 - the user's own file, as `python FILE` runs it
