"""JSON as the current app writes and reads it; plain JSON where no app is active."""

from __future__ import annotations

import json as _json
from typing import IO, TYPE_CHECKING, Any, cast

from kolben.app.globals import _cv_app, current_app
from kolben.app.json.provider import _default
from kolben.sessions.tag import TaggedJSONSerializer

if TYPE_CHECKING:
    from kolben.app.json.provider import JSONProvider
    from kolben.app.wrappers import Response

__all__ = ["dump", "dumps", "jsonify", "load", "loads"]


def _provider() -> JSONProvider | None:
    context = _cv_app.get(None)
    return None if context is None else context.app.json


def dumps(obj: Any, **kwargs: Any) -> str:
    """Write an object as JSON text."""
    provider = _provider()
    if provider is not None:
        return provider.dumps(obj, **kwargs)
    kwargs.setdefault("default", _default)
    return _json.dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write an object as JSON to a text file."""
    provider = _provider()
    if provider is not None:
        provider.dump(obj, fp, **kwargs)
    else:
        kwargs.setdefault("default", _default)
        _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Read JSON text."""
    provider = _provider()
    return _json.loads(s, **kwargs) if provider is None else provider.loads(s, **kwargs)


def load(fp: IO[Any], **kwargs: Any) -> Any:
    """Read JSON from a file."""
    provider = _provider()
    return _json.load(fp, **kwargs) if provider is None else provider.load(fp, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Make a response of the arguments: one value, a list of several, or a dict of the named ones."""
    return cast("Response", current_app.json.response(*args, **kwargs))


# The room of sessions is below this one and knows no app: it asks through this.
TaggedJSONSerializer.write = staticmethod(dumps)
TaggedJSONSerializer.read = staticmethod(loads)
