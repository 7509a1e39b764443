"""Flask's module `json.provider`."""

from kolben.app.json.provider import DefaultJSONProvider, JSONProvider, _default

__all__ = [
    "DefaultJSONProvider",
    "JSONProvider",
    "_default",
]
