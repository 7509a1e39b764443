"""What is sent has to be bytes, or memory that holds them; what else people give is refused with what to do."""

from collections.abc import Awaitable
from typing import Any

__all__ = ["no_bytes", "view_of"]


def view_of(data: Any) -> memoryview:
    """Return a view of its bytes.

    Raises:
        TypeError: it has none.
    """
    try:
        view = memoryview(data)
    except TypeError:
        raise no_bytes(data) from None
    return view.cast("B")


def no_bytes(data: object) -> TypeError:
    """Make the error for what cannot be sent."""
    advice = ""
    if isinstance(data, str):
        advice = ": encode it, as data.encode() does"
    elif isinstance(data, Awaitable):
        advice = ": await it first"
    return TypeError(f"expected bytes, got {type(data).__name__}{advice}")
