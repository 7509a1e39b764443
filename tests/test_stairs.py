"""The stairs: imports point down only, rooms on one floor do not import each other, and every room has its sentence.

Floors and rooms are those of ARCHITECTURE.md.  import-linter cannot see native modules, and need not be installed to know this.
"""

import ast
import re
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src" / "kolben"
STAIRS = [
    "base",
    "wire net routing",
    "http",
    "ws sessions templating channels files binding",
    "server interop services",
    "app",
    "testing dev commands data ops openapi live jobs",
    "flask scaffold",
    "cli",
]
FLOOR = {room: number for number, rooms in enumerate(STAIRS) for room in rooms.split()}
PORCH = ""  # src/kolben/__init__.py and __main__.py: names only, from anywhere
FREE = {"__version__"}  # what a room may take from the porch

# Lazy upward calls: inside the function of that name, in the room `app`.  Its signatures may name what they return.
ALLOWED = {
    ("app", "test_client", "testing"),
    ("app", "test_request_context", "testing"),
    ("app", "test_cli_runner", "commands"),
    ("app", "cli", "commands"),
    ("app", "run", "dev"),
    ("app", "TYPE_CHECKING", "testing"),
    ("app", "TYPE_CHECKING", "commands"),
}

NATIVE_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+c?import\b([^#\n]*)|c?import[ \t]+([^#\n]+))", re.MULTILINE)
ROOMS = sorted(path for path in SRC.iterdir() if path.is_dir() and path.name != "__pycache__")
PYTHON = sorted([*SRC.rglob("*.py"), *SRC.rglob("*.pyi")])
NATIVE = sorted([*SRC.rglob("*.pyx"), *SRC.rglob("*.pxd")])


def relative(path):
    return path.relative_to(SRC).as_posix()


def home_of(name):
    """The room of a file, named from src/kolben."""
    return name.split("/")[0] if "/" in name else PORCH


def rooms_of(module, names, level, name):
    """Which rooms `from <dots><module> import <names>` reaches, seen from the file `name`; the porch is a name of it in quotes."""
    if level:
        package = ["kolben", *name.split("/")[:-1]]
        module = ".".join([*package[: len(package) - level + 1], *([module] if module else [])])
    parts = module.split(".")
    if parts[0] != "kolben":
        return set()
    if len(parts) > 1:
        return {parts[1]}
    return {imported if imported in FLOOR else f"porch's {imported!r}" for imported in names if imported not in FREE}


class Imports(ast.NodeVisitor):
    """Gathers (innermost function, room) for every import, `import_module("kolben.…")` too."""

    def __init__(self, name):
        self.name = name
        self.functions = []
        self.found = []

    def add(self, module, names=(), level=0):
        function = self.functions[-1] if self.functions else None
        self.found += [(function, room) for room in rooms_of(module, names, level, self.name)]

    def visit_FunctionDef(self, node):
        self.functions.append(node.name)
        self.generic_visit(node)
        self.functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast.NodeVisitor gives the name

    def visit_If(self, node):
        for_types = getattr(node.test, "id", None) == "TYPE_CHECKING" and not self.functions
        self.functions += ["TYPE_CHECKING"] * for_types
        for child in node.body:
            self.visit(child)
        self.functions = self.functions[: len(self.functions) - for_types]
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node):
        for alias in node.names:
            self.add(alias.name, ["*"])

    def visit_ImportFrom(self, node):
        self.add(node.module or "", [alias.name for alias in node.names], node.level)

    def visit_Call(self, node):
        called = getattr(node.func, "attr", getattr(node.func, "id", None))
        if called in {"import_module", "__import__"} and node.args and isinstance(node.args[0], ast.Constant):
            self.add(str(node.args[0].value), ["*"])
        self.generic_visit(node)


def imports_of_python(source, name):
    visitor = Imports(name)
    visitor.visit(ast.parse(source))
    return visitor.found


def imports_of_native(source, name):
    found = []
    for dots, module, names, plain in NATIVE_IMPORT.findall(source.replace("\\\n", " ")):
        if plain:
            for one in plain.split(","):
                found += [(None, room) for room in rooms_of(one.split()[0], ["*"], 0, name)]
        else:
            imported = [one.split()[0] for one in names.strip(" \t()").split(",") if one.strip()]
            found += [(None, room) for room in rooms_of(module, imported, len(dots), name)]
    return found


def upward(source, name):
    """What a file imports that does not stand below its room."""
    home = home_of(name)
    if home == PORCH:
        return []
    read = imports_of_native if name.endswith((".pyx", ".pxd")) else imports_of_python
    return [
        room
        for function, room in read(source, name)
        if room != home and FLOOR.get(room, len(STAIRS)) >= FLOOR[home] and (home, function, room) not in ALLOWED
    ]


@pytest.mark.parametrize("path", PYTHON + NATIVE, ids=relative)
def test_imports_point_down(path):
    """Also those for types alone, and those inside functions."""
    assert upward(path.read_text("utf-8"), relative(path)) == []


@pytest.mark.parametrize("room", ROOMS, ids=relative)
def test_every_room_stands_on_a_floor_and_says_what_it_is(room):
    """Its sentence is the first line of its __init__.py."""
    assert room.name in FLOOR
    first = (room / "__init__.py").read_text("utf-8").splitlines()[0]
    assert re.fullmatch(r'"""[A-Z].*\.(""")?', first), first


def test_no_room_is_on_two_floors():
    """The stairs are an order."""
    assert len(FLOOR) == len(" ".join(STAIRS).split())


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("wire/a.py", "from kolben.net import listen"),
        ("wire/a.py", "import kolben.net.listener"),
        ("wire/a.py", "import os, kolben.server as s"),
        ("wire/a.py", "from kolben import net"),
        ("wire/a.py", "from kolben import App"),
        ("wire/a.py", "from .. import net"),
        ("wire/a.py", "from ..net.listener import listen"),
        ("wire/sub/a.py", "from ...net import listen"),
        ("wire/a.py", "if TYPE_CHECKING:\n    from kolben.http import Request"),
        ("wire/a.pyi", "from kolben.http import Request"),
        ("wire/a.py", "def later():\n    from kolben.http import Request"),
        ("wire/a.py", "importlib.import_module('kolben.http')"),
        ("wire/a.py", "from kolben.attic import old"),
        ("app/a.py", "from kolben.testing import Client"),
        ("app/a.py", "def other(self):\n    from kolben.testing import Client"),
        ("app/a.py", "def run(self):\n    from kolben.testing import Client"),
        ("server/a.py", "def run(self):\n    from kolben.dev import Reloader"),
        ("wire/_b.pyx", "from kolben.net cimport x"),
        ("wire/_b.pyx", "    from kolben.net._poller cimport Poller, Event"),
        ("wire/_b.pxd", "cimport kolben.net._poller"),
        ("wire/_b.pxd", "cimport cython, kolben.net._poller"),
        ("wire/_b.pyx", "from ..net cimport x"),
        ("wire/_b.pyx", "from kolben cimport net"),
        ("wire/_b.pyx", "from kolben.net \\\n    cimport x"),
        ("wire/_b.pyx", "from kolben.http import Request"),
    ],
)
def test_an_upward_import_is_found(name, source):
    """In every way one can be written."""
    assert len(upward(source, name)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("__init__.py", "from kolben.cli import main"),
        ("wire/a.py", "from kolben.base import Limits"),
        ("wire/a.py", "from kolben.wire.events import RequestHead"),
        ("wire/a.py", "from .events import RequestHead"),
        ("wire/a.py", "from . import events"),
        ("wire/a.py", "import kolbenheim.net\nfrom os import path"),
        ("wire/a.py", "'from kolben.net import listen'"),
        ("cli/a.py", "from kolben import __version__"),
        ("app/a.py", "def test_client(self):\n    from kolben.testing import Client"),
        ("app/a.py", "def run(self, debug):\n    if debug:\n        from kolben.dev import Reloader"),
        ("server/_b.pyx", "from kolben.net._poller cimport Poller\nfrom libc.stdint cimport int64_t"),
    ],
)
def test_a_downward_import_is_not(name, source):
    """Down, home, outside, and the listed upward calls."""
    assert upward(source, name) == []
