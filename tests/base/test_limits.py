"""Every limit and every deadline is explained once, frozen, and 0 or more."""

import dataclasses
import re

import pytest

from kolben.base import Limits, Timeouts

BOTH = pytest.mark.parametrize("options", [Limits(), Timeouts()], ids=["Limits", "Timeouts"])


@BOTH
def test_every_field_is_explained_in_the_docstring_in_its_order(options):
    """Nothing is undocumented, and nothing documented is gone."""
    explained = re.findall(r"^ {4,8}(\w+): \S", type(options).__doc__, re.MULTILINE)
    assert explained == [field.name for field in dataclasses.fields(options)]


@BOTH
def test_every_default_is_a_limit(options):
    """By default no wait for somebody else is without limit.

    A view is not waited for, it works: for how long is right, only its author knows, and it could not be ended cleanly (docs/server.md).
    """
    assert all(value > 0 for name, value in dataclasses.asdict(options).items() if name != "view")


@BOTH
def test_options_cannot_be_changed_later(options):
    """Whoever holds them may remember what they said."""
    name = dataclasses.fields(options)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(options, name, 1)


def test_the_waterline_of_output_and_a_head_fit_their_connection():
    """A head has room for its longest request line."""
    limits = Limits()
    assert limits.request_line <= limits.head <= limits.body
