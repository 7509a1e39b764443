"""Templates of the current app: made into text, or into a stream of text.

Jinja2 is imported when the first template is asked for.
"""

from __future__ import annotations

from functools import cached_property
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, cast

from kolben.app.globals import _cv_request, current_app, g, request, session
from kolben.app.shapes import accepts_context
from kolben.app.signals import before_render_template, template_rendered
from kolben.app.urls import Urls
from kolben.http.marks import csp_nonce
from kolben.http.request import is_in_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jinja2 import Template

    from kolben.app.app import App
    from kolben.templating import DispatchingJinjaLoader, Environment

__all__ = [
    "Rendering",
    "get_template_attribute",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]

AUTOESCAPED = (".html", ".htm", ".xml", ".xhtml", ".svg")


def _csp_nonce() -> str:
    """For templates: `<script nonce="{{ csp_nonce() }}">`."""
    return csp_nonce(request._get_current_object())  # type: ignore[attr-defined]  # it is a proxy


class _DefaultEnvironment:
    """The class attribute `jinja_environment`, found in the room of templates when it is first read."""

    def __get__(self, instance: object, owner: type) -> type[Environment]:
        from kolben.templating import Environment

        return Environment


class Rendering(Urls):
    """The fourth storey: templates."""

    jinja_options: ClassVar[dict[str, Any]] = {}
    if TYPE_CHECKING:
        jinja_environment: type[Environment]
    else:
        jinja_environment = _DefaultEnvironment()

    @cached_property
    def jinja_env(self) -> Environment:  # type: ignore[override]  # assignable, as Flask's
        """The environment of all templates.  Made at first use; set `jinja_options` before that."""
        return self.create_jinja_environment()

    def create_jinja_environment(self) -> Environment:
        """Make the environment: options, globals, loader.  To be overridden."""
        from kolben.app.flashing import get_flashed_messages

        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        if "auto_reload" not in options:
            wanted = self.config["TEMPLATES_AUTO_RELOAD"]
            options["auto_reload"] = self.debug if wanted is None else wanted
        environment = self.jinja_environment(cast("App", self), **options)
        environment.globals.update(
            url_for=self.url_for,
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            csp_nonce=_csp_nonce,
            # Proxies, for templates that are imported without context.
            request=request,
            session=session,
            g=g,
        )
        environment.policies["json.dumps_function"] = self.json.dumps
        return environment

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """Make the loader that asks the app's loader, then the blueprints'.  To be overridden."""
        from kolben.templating import DispatchingJinjaLoader

        return DispatchingJinjaLoader(cast("App", self))

    def _explain_template_loading(self, template: str, attempts: list[Any]) -> None:
        from kolben.app import (
            debughelpers,  # whose function may have been replaced: looked up when needed
        )

        debughelpers.explain_template_loading_attempts(cast("App", self), template, attempts)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Tell whether a template escapes what it prints: HTML and XML by its name, and every string without one."""
        return filename is None or filename.endswith(AUTOESCAPED)

    @accepts_context
    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add what the context processors return: the app's, then the blueprints', outermost first.

        What the view passed goes before all of it.
        """
        given = context.copy()
        for function in self._context_processors():
            if iscoroutinefunction(function) and is_in_loop() and not self._waits_its_own_way():
                context.update(_done_at_once(function))
            else:
                context.update(self.ensure_sync(function)())
        context.update(given)

    def _context_processors(self) -> Iterator[Callable[[], Any]]:
        active = _cv_request.get(None)
        for name in [None] if active is None else [None, *reversed(active.request.blueprints)]:
            yield from self.template_context_processors.get(name, ())

    def _waits_its_own_way(self) -> bool:
        from kolben.app.app import METHODS

        names = ("ensure_sync", "async_to_sync")
        return any(name in vars(self) or getattr(type(self), name) is not METHODS[name] for name in names)


def _done_at_once(function: Callable[[], Any]) -> Any:
    """Call an async context processor where a loop runs and nothing can be waited for.

    Raises:
        RuntimeError: it has to wait.
    """
    coroutine = function()
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    coroutine.close()
    name = getattr(function, "__qualname__", repr(function))
    raise RuntimeError(
        f"render_template: the context processor {name} has to wait, which would stop the loop that runs this async view:"
        " write `await arender_template(...)`, from kolben, or make the view a plain one",
    )


def current() -> App:
    """Return the current app itself."""
    return cast("App", current_app._get_current_object())  # type: ignore[attr-defined]  # the proxy is declared as what it stands for


def _prepare(app: App, template: Template, context: dict[str, Any]) -> None:
    app.update_template_context(context)
    if before_render_template.receivers:
        before_render_template.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)


def _render(app: App, template: Template, context: dict[str, Any]) -> str:
    _prepare(app, template, context)
    text = template.render(context)
    if template_rendered.receivers:
        template_rendered.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)
    return text


def _stream(app: App, template: Template, context: dict[str, Any]) -> Iterator[str]:
    _prepare(app, template, context)
    return in_pieces(app, template, context)


def in_pieces(app: App, template: Template, context: dict[str, Any]) -> Iterator[str]:
    """Render a template, whose context is complete, piece by piece; the request, if there is one, lasts until the end."""

    def generate() -> Iterator[str]:
        yield from template.generate(context)
        template_rendered.send(app, _async_wrapper=app.ensure_sync, template=template, context=context)

    if _cv_request.get(None) is None:
        return generate()
    from kolben.app.streaming import stream_with_context

    return stream_with_context(generate())


def render_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> str:
    """Render a template, the first that is there of several, with the given names."""
    app = current()
    return _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def render_template_string(source: str, **context: Any) -> str:
    """Render template source.  It escapes what it prints, as in HTML."""
    app = current()
    return _render(app, app.jinja_env.from_string(source), context)


def stream_template(template_name_or_list: str | Template | list[str | Template], **context: Any) -> Iterator[str]:
    """Render a template piece by piece: return it from a view to send it so."""
    app = current()
    return _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


def stream_template_string(source: str, **context: Any) -> Iterator[str]:
    """Render template source piece by piece."""
    app = current()
    return _stream(app, app.jinja_env.from_string(source), context)


def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or variable of a template, to use it in Python."""
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)
