"""Messages for the next page, kept in the session until they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kolben.app.globals import current_app, request_ctx, session
from kolben.app.signals import message_flashed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["flash", "get_flashed_messages"]


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next request that asks for it.  Categories usual in templates: message, error, info, warning."""
    # Assigned anew: a change inside the list would not mark the session as modified.
    session["_flashes"] = [*session.get("_flashes", []), (category, message)]
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy is declared as what it stands for
    message_flashed.send(app, _async_wrapper=app.ensure_sync, message=message, category=category)


def get_flashed_messages(with_categories: bool = False, category_filter: Iterable[str] = ()) -> list[str] | list[tuple[str, str]]:
    """Take the messages out of the session; within one request, every call gets the same ones.

    Args:
        with_categories: Return pairs of category and message.
        category_filter: Only of these categories.
    """
    flashes = request_ctx.flashes
    if flashes is None:
        flashes = session.pop("_flashes") if "_flashes" in session else []
        request_ctx.flashes = flashes
    wanted = set(category_filter)
    if wanted:
        flashes = [flash for flash in flashes if flash[0] in wanted]
    return flashes if with_categories else [message for _, message in flashes]
