"""A request's `headers`: Werkzeug's type over fields that stay where they came in."""

from __future__ import annotations

from werkzeug.datastructures import EnvironHeaders

from kolben.http._headers import FieldsBase

__all__ = ["RequestHeaders"]


class RequestHeaders(FieldsBase, EnvironHeaders):
    """The fields of a request's head; immutable, case-insensitive.

    Names are never folded: `X_Forwarded_For` is not `X-Forwarded-For`.
    """

    __hash__ = None  # type: ignore[assignment]  # as every mapping of Werkzeug's

    def __eq__(self, other: object) -> bool:
        """Whether the fields are those of the other."""
        return list(self) == list(other) if isinstance(other, EnvironHeaders) else NotImplemented
