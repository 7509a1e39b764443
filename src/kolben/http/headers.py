"""A request's `headers`: Werkzeug's type over fields that stay where they came in."""

from __future__ import annotations

from werkzeug.datastructures import EnvironHeaders

from kolben.http._environ import VariablesBase
from kolben.http._headers import FieldsBase

__all__ = ["EnvironFields", "RequestHeaders"]


class RequestHeaders(FieldsBase, EnvironHeaders):  # type: ignore[misc, override]  # both speak of one mapping, by different overloads
    """The fields of a request's head; immutable, case-insensitive.

    Names are never folded: a field whose name has an underscore is not there.
    """

    __hash__ = None  # as every mapping of Werkzeug's

    def __eq__(self, other: object) -> bool:
        """Whether the fields are those of the other."""
        return list(self) == list(other) if isinstance(other, EnvironHeaders) else NotImplemented


class EnvironFields(VariablesBase, EnvironHeaders):  # type: ignore[misc]  # as above
    """The fields of a request that has an environ: what the environ says now."""

    __hash__ = None
