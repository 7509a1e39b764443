"""JSON as Flask speaks it: what stands for dates and their like, and decoding that takes what `json.loads` takes."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import uuid
from typing import Any

from werkzeug.http import http_date

from kolben.http._json import Encoder
from kolben.http._loads import loads

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
