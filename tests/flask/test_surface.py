"""What extensions and applications use is there: the list is made from their source, not from ours."""

import importlib
from pathlib import Path

import pytest

from kolben.flask import Blueprint, Flask, g, request, session

NAMES = [line for line in Path(__file__).with_name("surface.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def things():
    app = Flask("shop")
    app.secret_key = "k"
    with app.test_request_context("/", json={}) as context:
        session["a"] = 1  # opens it
        yield {
            "app": app,
            "request": request,
            "g": g,
            "session": session,
            "blueprint": Blueprint("b", "b"),
            "response": app.response_class("{}", mimetype="application/json"),
            "client": app.test_client(),
            "context": context,
        }


def test_the_list_is_not_empty():
    assert len(NAMES) > 200


@pytest.mark.filterwarnings("ignore:The '__version__' attribute is deprecated")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_used_is_there(things, name):
    home, *attributes = name.split(".")
    if home == "flask":
        thing, attributes = module_of(attributes)
    else:
        thing = things[home]
    for attribute in attributes:
        assert hasattr(type(thing), attribute) or hasattr(thing, attribute), name
        thing = getattr(thing, attribute, None)


def module_of(parts):
    """Return the deepest module of a dotted name below Kolben's `flask`, and what is left of the name."""
    for n in range(len(parts), -1, -1):
        try:
            return importlib.import_module(".".join(["kolben.flask", *parts[:n]])), parts[n:]
        except ModuleNotFoundError:
            continue
    raise AssertionError(parts)
