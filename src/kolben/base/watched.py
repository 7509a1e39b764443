"""Classes that tell when one of their attributes is replaced: what was made from them, as a plan was, is made anew.

Whoever keeps something made from such a class adds a function to LISTENERS.  It is called often while classes are being built, and has to
be short.
"""

from __future__ import annotations

from abc import ABCMeta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LISTENERS", "WatchedType", "tell"]

LISTENERS: list[Callable[[], None]] = []


def tell() -> None:
    """Call every listener."""
    for listener in LISTENERS:
        listener()


class WatchedType(ABCMeta):
    """The type of such classes.

    An ABCMeta, so that classes which also inherit from an abstract one keep working.
    """

    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, value)
        tell()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        tell()

    # Plain inheritance decides, as for any class: ABCMeta's registry of virtual subclasses would only cost time.
    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__
