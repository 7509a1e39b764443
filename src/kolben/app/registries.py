"""Registries that count their own changes.

What an app has registered (hooks, views, error handlers ...) stands in ordinary dicts and lists that users and extensions
may change at any moment.  Whoever caches something made from them compares one number instead of their contents.

Invariant: after any change, nested lists and dicts included, `Version.number` is higher than before.  A plain list or dict that
somebody puts into a registry is adopted: copied into a counting one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from kolben.app._version import Version
from kolben.base.watched import LISTENERS

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["TrackedDict", "TrackedList", "Version", "error_handlers", "hooks", "make_version"]

_LIVE: WeakSet[Version] = WeakSet()


def make_version() -> Version:
    """Make a version that also counts patches of classes: of apps, and of what they make things of."""
    version = Version()
    _LIVE.add(version)
    return version


def _bump_all() -> None:
    for version in tuple(_LIVE):
        version.bump()


LISTENERS.append(_bump_all)


def _counted(method: Any) -> Any:
    """Let a mutating method of list or dict bump its container's version."""

    def change(container: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(container, *args, **kwargs)
        finally:
            container._version.bump()  # also when it failed halfway, as extend() may

    change.__name__ = method.__name__
    change.__doc__ = method.__doc__
    return change


class TrackedList(list[Any]):
    """A list that bumps a version when it changes.  Copies of it are plain lists."""

    __slots__ = ("_version",)

    def __init__(self, version: Version, items: Any = ()) -> None:
        super().__init__(items)
        self._version = version

    append = _counted(list.append)
    clear = _counted(list.clear)
    extend = _counted(list.extend)
    insert = _counted(list.insert)
    pop = _counted(list.pop)
    remove = _counted(list.remove)
    reverse = _counted(list.reverse)
    sort = _counted(list.sort)
    __delitem__ = _counted(list.__delitem__)
    __iadd__ = _counted(list.__iadd__)
    __imul__ = _counted(list.__imul__)
    __setitem__ = _counted(list.__setitem__)

    def __reduce__(self) -> Any:
        return list, (list(self),)


class TrackedDict(dict[Any, Any]):
    """A dict that bumps a version when it, or a container inside it, changes.

    Args:
        version: What to bump.
        items: First content, as for dict.
        nested: Makes the container that stands under each key; then a missing key yields an empty one, as in a defaultdict.
    """

    __slots__ = ("_nested", "_version")

    def __init__(self, version: Version, items: Any = (), nested: Callable[[Version, Any], Any] | None = None) -> None:
        super().__init__()
        self._version = version
        self._nested = nested
        self.update(items)

    def __missing__(self, key: Any) -> Any:
        if self._nested is None:
            raise KeyError(key)
        value = self._nested(self._version, ())
        dict.__setitem__(self, key, value)  # an empty container changes nothing: no bump for a mere look
        return value

    def _adopt(self, value: Any) -> Any:
        if self._nested is None or getattr(value, "_version", None) is self._version:
            return value
        return self._nested(self._version, value)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._adopt(value))
        self._version.bump()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default if default is not None or self._nested is None else ()
        return self[key]

    def update(self, items: Any = (), /, **more: Any) -> None:
        for key, value in dict(items, **more).items():
            self[key] = value

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # a plain dict's |= has overloads
        self.update(other)
        return self

    clear = _counted(dict.clear)
    pop = _counted(dict.pop)
    popitem = _counted(dict.popitem)
    __delitem__ = _counted(dict.__delitem__)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def hooks(version: Version) -> TrackedDict:
    """A registry of functions by blueprint name; None stands for the app."""
    return TrackedDict(version, nested=TrackedList)


def error_handlers(version: Version) -> TrackedDict:
    """A registry of error handlers: blueprint name, then status or None, then exception class."""

    def by_status(version: Version, items: Any) -> TrackedDict:
        return TrackedDict(version, items, nested=TrackedDict)

    return TrackedDict(version, nested=by_status)
