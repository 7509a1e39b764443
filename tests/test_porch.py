"""The porch: what `import kolben` offers, and what it costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kolben

HEAVY = {"asyncio", "uvloop", "jinja2", "msgspec", "click", "dotenv"}


def imported_by(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name", kolben.__all__)
def test_every_public_name_is_there(name):
    """Lazy names resolve: a renamed home would only fail at a user's."""
    assert getattr(kolben, name) is not None


def test_the_table_of_homes_is_the_list_of_public_names():
    """A public name is added in both places at once."""
    assert sorted(kolben.__all__) == sorted({*kolben._HOME, "__version__"})


def test_type_checkers_see_every_public_name():
    """The imports for type checkers name the same homes."""
    tree = ast.parse(Path(kolben.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING")
    seen = {alias.name: node.module.removeprefix("kolben.") for node in block.body for alias in node.names}
    assert seen == kolben._HOME


def test_an_unknown_name_is_an_attribute_error():
    """As for any module."""
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        kolben.nonsense  # noqa: B018 - to ask for it is the test


@pytest.mark.parametrize("statement", ["import kolben", "from kolben import App, g, request; App('x')"])
def test_importing_brings_in_nothing_that_an_app_may_not_need(statement):
    """`import kolben` costs no more than `import flask`: no event loop, no templates, no command line."""
    assert not imported_by(statement) & HEAVY
