"""Errors say what, which status, and where it is written."""

import inspect

import pytest

from kolben import base
from kolben.base import KolbenError, LimitExceeded, LocalProtocolError, ProtocolError, RegistrationError, RemoteProtocolError

ERRORS = [value for name in base.__all__ if inspect.isclass(value := getattr(base, name)) and issubclass(value, Exception)]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_of_ours_is_a_kolben_error_with_a_docstring(error):
    """One `except KolbenError` catches them all."""
    assert issubclass(error, KolbenError)
    assert error.__doc__


def test_a_protocol_error_names_its_source_in_its_message():
    """The section of the RFC stands behind the message."""
    error = RemoteProtocolError("no Host field", source="RFC 9112, section 3.2")
    assert str(error) == "no Host field (RFC 9112, section 3.2)"
    assert str(ProtocolError("no Host field")) == "no Host field"


def test_the_peers_mistakes_are_400_and_ours_are_500():
    """Blame decides the status when nobody else does."""
    assert RemoteProtocolError("x").status == 400
    assert LocalProtocolError("x").status == 500


def test_a_limit_is_the_peers_mistake_with_a_status_of_its_own():
    """413, 414 or 431 are told by whoever refuses."""
    error = LimitExceeded("too long", status=414)
    assert isinstance(error, RemoteProtocolError)
    assert error.status == 414


def test_a_registration_error_is_an_assertion_error():
    """Flask: same type, for code that catches it."""
    assert issubclass(RegistrationError, AssertionError)
