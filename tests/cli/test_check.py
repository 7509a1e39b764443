"""`kolben check`: the findings, and an exit status that a pipeline can use."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.standins import Typed

import kolben.cli.check
from kolben.ops import Finding

Kolben = Callable[..., Typed]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def test_nothing_found_is_success(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kolben.cli.check, "check_production", lambda _: [])
    typed = kolben_("check", "--prod", "hello.py")
    assert (typed.status, typed.out) == (0, "nothing found that is unsafe in production\n")


def test_a_finding_is_told_with_its_reason_and_the_line_to_write(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kolben.cli.check, "check_production", lambda _: [Finding("the door is open", "somebody comes in", "close(door)")])
    typed = kolben_("check", "hello.py")
    assert (typed.status, typed.out) == (1, "the door is open: somebody comes in\n  Do: close(door)\n")


@pytest.mark.parametrize(
    ("arguments", "found"), [(["--proxy", "10.0.0.0/8,unix"], 0), (["--proxy", "0.0.0.0/0"], 1), (["--proxy=::/0"], 1)]
)
def test_a_proxy_that_is_everybody_is_found(
    arguments: list[str], found: int, kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kolben.cli.check, "check_production", lambda _: [])
    typed = kolben_("check", *arguments, "hello.py")
    assert typed.status == found
    assert ("believes everybody" in typed.out) == bool(found)


def test_root_is_found(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kolben.cli.check, "check_production", lambda _: [])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "it would run as root" in kolben_("check", "hello.py").out
