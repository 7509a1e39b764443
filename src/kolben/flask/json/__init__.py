"""Flask's module `json`."""

from typing import TYPE_CHECKING, Any

from kolben.app.globals import current_app
from kolben.app.json import dump, dumps, jsonify, load, loads

__all__ = [
    "current_app",
    "dump",
    "dumps",
    "jsonify",
    "load",
    "loads",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in {"provider", "tag"}:  # `import flask` is enough for them with Flask; here once asked for, not before
            import importlib

            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
