"""Context variables on their way: what one function is to another that calls it in a different thread or task."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextvars import Context

__all__ = ["carry_back"]


def carry_back(variables: Context) -> None:
    """Let the caller see what was set elsewhere in a copy of its Context, as if it were one function."""
    for variable, value in variables.items():
        if variable.get(None) is not value:
            variable.set(value)
