"""For pytest: somebody else's suite with a list of what it may fail, each line with its reason.

`-p expected_failures --expected-failures=FILE`.  A failure that is not listed fails; so does a listed test that passes, and a line that
names no test.  A line is `[native] test/id # reason`: with the word in front it holds for that transport only.  An id without its
parameters stands for all of them.

The run also proves whose `flask` the suite imported.
"""

import pathlib

import pytest


def pytest_addoption(parser):
    parser.getgroup("kolben").addoption("--expected-failures", type=pathlib.Path, help="the list: lines of `[native] id # reason`")


def pytest_collection_modifyitems(config, items):
    import flask

    assert "kolben" in pathlib.Path(flask.__file__).parts, f"this is not Kolben's flask: {flask.__file__}"
    listing = config.getoption("--expected-failures")
    expected = read(listing.read_text(), config.getoption("--kolben-transport")) if listing else {}
    unknown = set(expected)
    for item in items:
        for name in {item.nodeid, item.nodeid.partition("[")[0]} & set(expected):
            unknown.discard(name)
            item.add_marker(pytest.mark.xfail(reason=expected[name], strict=True))
    if unknown and not config.args_source.name == "ARGS":
        raise pytest.UsageError(f"{listing}: no such test: {', '.join(sorted(unknown))}")


def read(text, transport):
    """Return what may fail with this transport: id -> reason."""
    expected = {}
    for line in text.splitlines():
        what, _, reason = (part.strip() for part in line.partition("#"))
        words = what.split()
        if not words:
            continue
        if not reason:
            raise pytest.UsageError(f"expected a reason after '#': {line}")
        if len(words) == 1 or words[0] == f"[{transport}]":
            expected[words[-1]] = reason
    return expected
