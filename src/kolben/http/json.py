"""JSON as Flask speaks it: what stands for dates and their like, and decoding that takes what `json.loads` takes."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import uuid
from typing import TYPE_CHECKING, Any

from werkzeug.http import http_date

from kolben.http._json import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Encoder", "default", "loads"]


def default(value: Any) -> Any:
    """Return a JSON form for what JSON has none for.

    Dates become HTTP dates, decimals and UUIDs text, dataclasses dicts, and what has an ``__html__`` method its markup.
    Flask: same as `flask.json.provider.DefaultJSONProvider.default`.

    Raises:
        TypeError: `value` is none of these.
    """
    if isinstance(value, datetime.date):
        return http_date(value)
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if dataclasses.is_dataclass(value):
        return dataclasses.asdict(value)  # type: ignore[arg-type]  # a dataclass itself is refused there, as in Flask
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def loads(data: str | bytes | bytearray) -> Any:
    """Return what `json.loads` returns for `data`, faster where `data` is ordinary JSON in UTF-8.

    msgspec accepts less than `json.loads` (no NaN, no byte order mark, no UTF-16, no lone surrogates, no overflow to infinity),
    and what it accepts it reads as the same values. So whatever it refuses is read again by `json.loads`: text that is
    wrong is paid for twice.

    Raises:
        json.JSONDecodeError: `data` is no JSON.
        UnicodeDecodeError: `data` is no text.
        RecursionError: `data` is nested deeper than the interpreter allows.
        TypeError: `data` is neither text nor bytes.
    """
    if isinstance(data, str | bytes | bytearray):
        try:
            return _decode(data)
        except (ValueError, TypeError, RecursionError):  # TypeError: msgspec takes no subclasses of str
            pass
    return json.loads(data)


def _import_and_decode(data: str | bytes | bytearray) -> Any:
    """Decode by msgspec, which is imported at the first call: programs that read no JSON do without it."""
    global _decode  # noqa: PLW0603 - from now on without this detour
    import msgspec.json

    _decode = msgspec.json.decode
    return _decode(data)


_decode: Callable[[str | bytes | bytearray], Any] = _import_and_decode
