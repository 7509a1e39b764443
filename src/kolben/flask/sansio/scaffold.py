"""Flask's module `sansio.scaffold`."""

from kolben.app.places import find_package, get_root_path
from kolben.app.scaffold import (
    Scaffold,
    _endpoint_from_view_func,
    _sentinel,
    setupmethod,
)

__all__ = [
    "Scaffold",
    "_endpoint_from_view_func",
    "_sentinel",
    "find_package",
    "get_root_path",
    "setupmethod",
]
