"""Templates for `async def` views: context processors are awaited in the view's task, and plain ones do not stop the loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kolben.app.measured import MeasuredHooks, in_thread
from kolben.app.rendering import Rendering, current, in_pieces
from kolben.app.signals import before_render_template, template_rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Template

    from kolben.app.app import App

__all__ = ["arender_template", "arender_template_string", "astream_template", "astream_template_string"]


async def arender_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> str:
    """As `render_template`, in an `async def` view: what has to be waited for before the template is rendered is awaited."""
    app = current()
    return await _arender(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


async def arender_template_string(source: str, **context: Any) -> str:
    """As `render_template_string`, in an `async def` view."""
    app = current()
    return await _arender(app, app.jinja_env.from_string(source), context)


async def astream_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> Iterator[str]:
    """As `stream_template`, in an `async def` view: awaited until the context is complete, it gives what to return from the view.

    The pieces are made while they are sent, by a thread of the server's, as the template may take its time.
    """
    app = current()
    return await _astream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


async def astream_template_string(source: str, **context: Any) -> Iterator[str]:
    """As `stream_template_string`, in an `async def` view."""
    app = current()
    return await _astream(app, app.jinja_env.from_string(source), context)


async def _astream(app: App, template: Template, context: dict[str, Any]) -> Iterator[str]:
    await _update(app, context)
    await _tell(app, before_render_template, template, context)
    return in_pieces(app, template, context)


async def _arender(app: App, template: Template, context: dict[str, Any]) -> str:
    await _update(app, context)
    await _tell(app, before_render_template, template, context)
    text = template.render(context)
    await _tell(app, template_rendered, template, context)
    return text


async def _update(app: App, context: dict[str, Any]) -> None:
    """As `update_template_context`, which is called, in a thread, where it is somebody else's."""
    if "update_template_context" in vars(app) or type(app).update_template_context is not Rendering.update_template_context:
        await in_thread(app.update_template_context, context)
        return
    hooks = vars(app).setdefault("_measured_hooks", MeasuredHooks())
    given = context.copy()
    for function in app._context_processors():
        values = hooks.of(function)()
        context.update(await values if hasattr(values, "__await__") else values)
    context.update(given)


async def _tell(app: App, signal: Any, template: Template, context: dict[str, Any]) -> None:
    """Send a signal to who listens; in a thread, as nobody knows what they do."""
    if signal.receivers:
        await in_thread(partial(signal.send, app, _async_wrapper=app.ensure_sync, template=template, context=context))
