"""Flask's module `json`."""

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
