"""Async bodies where nobody awaits: behind somebody else's WSGI server."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator

__all__ = ["iterate"]

END = object()


def iterate(body: AsyncIterable[Any]) -> Iterator[Any]:
    """Iterate over an async body in a loop of its own, in the Context of the caller."""
    return _iterate(body, asyncio.Runner(), copy_context())


def _iterate(body: AsyncIterable[Any], runner: asyncio.Runner, context: Any) -> Iterator[Any]:
    iterator = aiter(body)

    async def step() -> Any:
        return await anext(iterator, END)

    with runner:
        try:
            while (piece := runner.run(step(), context=context)) is not END:
                yield piece
        finally:
            aclose = getattr(iterator, "aclose", None)
            if aclose is not None:
                runner.run(aclose(), context=context)
