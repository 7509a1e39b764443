"""Says what the interpreter that runs it lacks for building Kolben from source, before an installer says it in a hundred lines.

Needs nothing but the standard library.  Exits 0 and is silent when all is there.
"""

import ast
import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path

SETUP = Path(__file__).resolve().parent.parent / "setup.py"
NO_VENV = """
kolben: {python} cannot make a virtual environment: its module ensurepip is missing.
  Do: Debian, Ubuntu   apt-get install python{version}-venv
      or any system    install uv (then nothing else is needed), or virtualenv
"""


def text_of(name: str) -> str:
    """Read a message from setup.py, where it stands for everybody who builds; setup.py itself needs setuptools to run."""
    for node in ast.parse(SETUP.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return str(ast.literal_eval(node.value))
    raise LookupError(name)


def has_compiler() -> bool:
    """As setup.py looks for one."""
    configured = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    return any(shutil.which(name) for name in (configured, "cc", "gcc", "clang"))


def has_headers() -> bool:
    """Find Python.h, which distributions ship apart from Python."""
    return Path(sysconfig.get_path("include"), "Python.h").is_file()


def can_make_environments() -> bool:
    """Find uv, the standard library's venv whole, or virtualenv."""
    return bool(shutil.which("uv") or importlib.util.find_spec("ensurepip") or importlib.util.find_spec("virtualenv"))


def complaints() -> str:
    """What is missing and what to do about it; empty when nothing is."""
    if sys.platform == "win32":
        return text_of("WINDOWS")
    found = ""
    if not (has_compiler() and has_headers()):
        found += text_of("NO_COMPILER")
    if sys.prefix == sys.base_prefix and not can_make_environments():
        found += NO_VENV.format(python=sys.executable, version="{}.{}".format(*sys.version_info[:2]))
    return found


if __name__ == "__main__":
    message = complaints()
    sys.stderr.write(message)
    sys.exit(1 if message else 0)
