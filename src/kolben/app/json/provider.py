"""How one app writes and reads JSON: the place to put another library."""

from __future__ import annotations

import dataclasses
import decimal
import json
import uuid
import weakref
from datetime import date
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from werkzeug.http import http_date

from kolben.base.watched import WatchedType
from kolben.http._json import Encoder
from kolben.http._loads import loads_for_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.sansio.response import Response

    from kolben.app.app import App

__all__ = ["DefaultJSONProvider", "JSONProvider"]

SPACED = (", ", ": ")
COMPACT = (",", ":")


class JSONProvider(metaclass=WatchedType):
    """What an app needs of a JSON library.  A subclass gives `dumps` and `loads`, and may improve the rest."""

    def __init__(self, app: App) -> None:
        self._app: App = weakref.proxy(app)  # type: ignore[assignment]  # it passes for one

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; plans made with the old one are made anew."""
        super().__setattr__(name, value)
        if name not in {"_app", "_encoders"}:
            self._app._registry.bump()

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        raise NotImplementedError

    def dump(self, obj: Any, fp: IO[str], **kwargs: Any) -> None:
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        raise NotImplementedError

    def load(self, fp: IO[Any], **kwargs: Any) -> Any:
        return self.loads(fp.read(), **kwargs)

    def _prepare_response_obj(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and kwargs:
            raise TypeError("app.json.response() takes either args or kwargs, not both")
        if len(args) == 1:
            return args[0]
        return args or kwargs or None

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Make a response of one value, a list of several, or a dict of the named ones."""
        return self._app.response_class(self.dumps(self._prepare_response_obj(args, kwargs)), mimetype="application/json")


def _default(o: Any) -> Any:
    """Turn what JSON has no word for into something it has: dates as HTTP dates, UUIDs and decimals as text."""
    if isinstance(o, date):
        return http_date(o)
    if isinstance(o, decimal.Decimal | uuid.UUID):
        return str(o)
    if dataclasses.is_dataclass(o) and not isinstance(o, type):
        return dataclasses.asdict(o)
    if hasattr(o, "__html__"):
        return str(o.__html__())
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


class DefaultJSONProvider(JSONProvider):
    """Python's own json, set up as Flask sets it up.

    Attributes:
        default: Called with what json cannot write; returns something it can, or raises TypeError.
        ensure_ascii: Escape everything that is not ASCII.
        sort_keys: Sort the keys of dicts.  All keys of one dict must then be comparable.
        compact: Responses without spaces.  None: unless the app is in debug mode.
        mimetype: Of responses.
    """

    default: Callable[[Any], Any] = staticmethod(_default)
    ensure_ascii = True
    sort_keys = True
    compact: bool | None = None
    mimetype = "application/json"

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        if not kwargs:
            return self._encoder(SPACED, None).dumps(obj)
        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        return json.dumps(obj, **kwargs)

    loads = loads_for_provider

    def response(self, *args: Any, **kwargs: Any) -> Response:
        obj = self._prepare_response_obj(args, kwargs)
        if not self._replaces("dumps"):
            body: Any = self.encoder(debug=bool(self._app.debug)).encode_response(obj)
        else:
            body = f"{self.dumps(obj, **self._layout(debug=bool(self._app.debug)))}\n"
        return self._app.response_class(body, mimetype=self.mimetype)

    # -- The native encoder

    def is_plain(self) -> bool:
        """Tell whether nothing of this provider but its settings differs from Kolben's own."""
        return not any(self._replaces(name) for name in ORIGINAL) and self.mimetype == "application/json"

    def _replaces(self, name: str) -> bool:
        """Tell whether the instance, a subclass or somebody who patched the class has another method under a name."""
        return getattr(type(self), name) is not ORIGINAL[name] or name in self.__dict__

    def encoder(self, *, debug: bool) -> Encoder:
        """Return the native encoder of responses."""
        layout = self._layout(debug=debug)
        return self._encoder(layout.get("separators", SPACED if debug else COMPACT), layout.get("indent"))

    def _layout(self, *, debug: bool) -> dict[str, Any]:
        compact = not debug if self.compact is None else self.compact
        return {"separators": COMPACT} if compact else {"indent": 2}

    def _encoder(self, separators: tuple[str, str], indent: int | None) -> Encoder:
        settings = (self.ensure_ascii, self.sort_keys, indent, separators, self.default)
        encoder = self._encoders.get(settings)
        if encoder is None:
            encoder = self._encoders[settings] = Encoder(
                ensure_ascii=self.ensure_ascii,
                sort_keys=self.sort_keys,
                indent=indent,
                separators=None if indent is not None else separators,
                default=self.default,
            )
        return encoder

    @cached_property
    def _encoders(self) -> dict[Any, Encoder]:
        return {}


ORIGINAL = {name: getattr(DefaultJSONProvider, name) for name in ("dumps", "response", "_prepare_response_obj")}
