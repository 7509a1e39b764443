"""JSON that keeps tuples, bytes, markup, UUIDs and dates: what a signed session cookie contains.

A value that JSON has no word for becomes a dict with one key, its tag (`{" t": [...]}`).  The tags and their order are those of
Flask's cookies, so that a cookie written by one is read by the other.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date, parse_date

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "JSONTag",
    "PassDict",
    "PassList",
    "TagBytes",
    "TagDateTime",
    "TagDict",
    "TagMarkup",
    "TagTuple",
    "TagUUID",
    "TaggedJSONSerializer",
]


class JSONTag:
    """One type of value: recognised by `check`, written by `to_json`, read by `to_python`.

    Attributes:
        key: The tag.  Empty: nothing is marked, the type only passes its content on.
    """

    __slots__ = ("serializer",)
    key: str = ""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: Any) -> bool:
        raise NotImplementedError

    def to_json(self, value: Any) -> Any:
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        raise NotImplementedError

    def tag(self, value: Any) -> dict[str, Any]:
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """A dict that looks like a tagged value: its one key gets two underscores, so that it is not taken for one."""

    __slots__ = ()
    key = " di"

    def check(self, value: Any) -> bool:
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in self.serializer.tags

    def to_json(self, value: Any) -> Any:
        [(key, item)] = value.items()
        return {f"{key}__": self.serializer.tag(item)}

    def to_python(self, value: Any) -> Any:
        [(key, item)] = value.items()
        return {key[:-2]: item}


class PassDict(JSONTag):
    """A dict: its values are tagged, itself it needs no tag."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        return isinstance(value, dict)

    def to_json(self, value: Any) -> Any:
        return {key: self.serializer.tag(item) for key, item in value.items()}

    tag = to_json


class PassList(JSONTag):
    """A list: its items are tagged, itself it needs no tag."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        return isinstance(value, list)

    def to_json(self, value: Any) -> Any:
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagTuple(JSONTag):
    """A tuple: JSON would make a list of it."""

    __slots__ = ()
    key = " t"

    def check(self, value: Any) -> bool:
        return isinstance(value, tuple)

    def to_json(self, value: Any) -> Any:
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: Any) -> Any:
        return tuple(value)


class TagBytes(JSONTag):
    """Bytes, in base 64."""

    __slots__ = ()
    key = " b"

    def check(self, value: Any) -> bool:
        return isinstance(value, bytes)

    def to_json(self, value: Any) -> Any:
        return b64encode(value).decode("ascii")

    def to_python(self, value: Any) -> Any:
        return b64decode(value)


class TagMarkup(JSONTag):
    """Anything with `__html__`; it comes back as Markup."""

    __slots__ = ()
    key = " m"

    def check(self, value: Any) -> bool:
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: Any) -> Any:
        return str(value.__html__())

    def to_python(self, value: Any) -> Any:
        return Markup(value)  # noqa: S704 - it was markup when it was signed


class TagUUID(JSONTag):
    """A UUID, in hexadecimal digits."""

    __slots__ = ()
    key = " u"

    def check(self, value: Any) -> bool:
        return isinstance(value, UUID)

    def to_json(self, value: Any) -> Any:
        return value.hex

    def to_python(self, value: Any) -> Any:
        return UUID(value)


class TagDateTime(JSONTag):
    """To the second, in UTC: as an HTTP date."""

    __slots__ = ()
    key = " d"

    def check(self, value: Any) -> bool:
        return isinstance(value, datetime)

    def to_json(self, value: Any) -> Any:
        return http_date(value)

    def to_python(self, value: Any) -> Any:
        return parse_date(value)


class TaggedJSONSerializer:
    """Writes and reads tagged JSON.  More types may be registered.

    Attributes:
        write, read: The JSON functions below.  The room of the app puts in those of the current app.
    """

    __slots__ = ("order", "tags")

    default_tags: ClassVar[list[type[JSONTag]]] = [TagDict, PassDict, TagTuple, PassList, TagBytes, TagMarkup, TagUUID, TagDateTime]
    write: ClassVar[Callable[..., str]] = staticmethod(json.dumps)
    read: ClassVar[Callable[..., Any]] = staticmethod(json.loads)

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        for tag_class in self.default_tags:
            self.register(tag_class)

    def register(self, tag_class: type[JSONTag], force: bool = False, index: int | None = None) -> None:
        """Add a type.

        Args:
            tag_class: What to make the tag of.
            force: Replace a tag with the same key instead of raising KeyError.
            index: Where it stands in the order of asking; a type must stand before those it is a special case of.
        """
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                raise KeyError(f"Tag '{tag.key}' is already registered.")
            self.tags[tag.key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: Any) -> Any:
        """Replace, at any depth, what JSON has no word for."""
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict[str, Any]) -> Any:
        """Turn one tagged dict back into its value; leave every other dict alone."""
        if len(value) == 1:
            [(key, item)] = value.items()
            if key in self.tags:
                return self.tags[key].to_python(item)
        return value

    def _untag_deeply(self, value: Any) -> Any:
        if isinstance(value, dict):  # innermost first
            return self.untag({key: self._untag_deeply(item) for key, item in value.items()})
        if isinstance(value, list):
            return [self._untag_deeply(item) for item in value]
        return value

    def dumps(self, value: Any) -> str:
        return self.write(self.tag(value), separators=(",", ":"))

    def loads(self, value: str | bytes) -> Any:
        return self._untag_deeply(self.read(value))
