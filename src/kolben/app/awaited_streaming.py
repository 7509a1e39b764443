"""Templates as streams for `async def` views: rendered on the loop, piece by piece, while the request is kept."""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from kolben.app.awaited_rendering import prepare
from kolben.app.globals import _cv_request
from kolben.app.rendering import current
from kolben.app.signals import template_rendered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from jinja2 import Template

    from kolben.app.app import App

__all__ = ["astream_template", "astream_template_string"]

TURN = 0.001  # seconds of rendering after which the loop serves others, however fast the peer reads


async def astream_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> AsyncGenerator[str]:
    """As `stream_template`, in an `async def` view: return what it gives when it is awaited.

    Context processors are awaited, and the template is found, before that: what fails there is an error of the view.
    """
    app = current()
    return await _astream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


async def astream_template_string(source: str, **context: Any) -> AsyncGenerator[str]:
    """As `stream_template_string`, in an `async def` view."""
    app = current()
    return await _astream(app, app.jinja_env.from_string(source), context)


async def _astream(app: App, template: Template, context: dict[str, Any]) -> AsyncGenerator[str]:
    await prepare(app, template, context)
    rendered = partial(template_rendered.send, app, _async_wrapper=app.ensure_sync, template=template, context=context)
    return _pieces(Keeper(), template.generate(context), rendered)


async def _pieces(keeper: Keeper, items: Iterator[str], rendered: Callable[[], Any]) -> AsyncGenerator[str]:
    """Yield what the template makes; what else is called, teardown most of all, may block, and runs in a thread."""
    from asyncio import sleep

    error: Exception | None = None
    due = monotonic() + TURN
    try:
        while (piece := keeper.run(next, items, None)) is not None:
            yield piece
            if monotonic() >= due:
                await sleep(0)
                due = monotonic() + TURN
        if template_rendered.receivers:
            await keeper.in_thread(rendered)
    except Exception as raised:
        error = raised
        raise
    finally:
        keeper.run(items.close)  # type: ignore[attr-defined]  # Jinja gives a generator
        await keeper.in_thread(keeper.release, error)


class Keeper:
    """Keeps the request of the present Context, if there is one, until it is released, or forgotten by a stream that never began."""

    def __init__(self) -> None:
        self._variables = copy_context()
        self._context = _cv_request.get(None)
        if self._context is not None:
            self._context.hold()

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function where the request is current."""
        return self._variables.run(function, *args)

    async def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function that may block where the request is current."""
        from asyncio import get_running_loop

        return await get_running_loop().run_in_executor(None, partial(self.run, function, *args))

    def release(self, error: Exception | None = None) -> None:
        """Let go.  The teardown that waited for this runs now."""
        context, self._context = self._context, None
        if context is not None:
            context.release(error)

    def __del__(self) -> None:
        if self._context is not None:
            self.run(self.release)
