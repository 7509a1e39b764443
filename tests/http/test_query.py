"""A query string is read as urllib's parse_qsl reads it, and asked as Werkzeug's type is asked."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict

from kolben.http import Request

ALPHABET = st.sampled_from([*"ab=&+%1", "%41", "%zz", "%C3%A9", "page", "n" * 23, "n" * 24, "n" * 25])


def args_of(query: str) -> Any:
    """What a native request makes of a query."""
    return Request.from_bytes(f"GET /?{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).args


@given(st.lists(st.lists(ALPHABET, max_size=6).map("".join), max_size=5))
def test_names_that_were_remembered_are_those_that_came(queries: list[str]) -> None:
    """Short names are remembered from query to query: whatever came before, each says what it says alone."""
    for query in queries:
        assert dict(args_of(query)) == dict(ImmutableMultiDict(parse_qsl(query, keep_blank_values=True, errors="werkzeug.url_quote")))


def test_more_names_than_are_remembered_are_told_apart() -> None:
    """Those that belong to one place drive each other out, and nothing else."""
    names = [f"{letter}{number}" for letter in "abcdefgh" for number in range(40)]
    for name in [*names, *names]:
        assert args_of(f"{name}=1").to_dict() == {name: "1"}


@pytest.mark.parametrize(
    "value",
    ["0", "7", "007", "-1", "%2B1", "+1", "1_0", "1__0", "%20", "", "x", "1.0", "9" * 18, "9" * 19, "9" * 4301, "%D9%A3", "%C2%B2"],
)
def test_type_int_is_what_int_makes_of_the_value(value: str) -> None:
    """Plain digits are read natively; everything else, and everything beyond 18 digits, is int's to decide."""
    model = ImmutableMultiDict(parse_qsl(f"page={value}", keep_blank_values=True, errors="werkzeug.url_quote"))
    assert args_of(f"page={value}").get("page", "none", type=int) == model.get("page", "none", type=int)


def test_a_subclass_of_int_is_called() -> None:
    """Only int itself is known."""

    class Doubled(int):
        def __new__(cls, value: str) -> Self:
            return super().__new__(cls, 2 * int(value))

    assert args_of("page=4").get("page", type=Doubled) == 8


def test_an_empty_query_has_no_key_and_refuses_what_cannot_be_one() -> None:
    """As a dict does."""
    args = args_of("")
    assert args.get("a") is None
    with pytest.raises(TypeError, match="unhashable"):
        args.get([])
