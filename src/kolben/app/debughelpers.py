"""Errors that only show themselves in debug mode, and say what a beginner could not guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.routing import RequestRedirect

from kolben.app.app import App
from kolben.app.blueprints import Blueprint
from kolben.app.globals import _cv_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import BaseLoader

    from kolben.app.wrappers import Request

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
]


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Text where bytes were expected, or the other way round."""


class DebugFilesKeyError(KeyError, AssertionError):
    """A form field was asked for as a file, but the form was not sent in the way that can carry files."""

    def __init__(self, request: Request, key: str) -> None:
        names = request.form.getlist(key)
        self.msg = (
            f"You tried to access the file {key!r} in the request.files dictionary but it does not exist. The mimetype for the"
            f" request is {request.mimetype!r} instead of 'multipart/form-data' which means that no file contents were"
            ' transmitted. To fix this error you should provide enctype="multipart/form-data" in your form.'
        )
        if names:
            listed = ", ".join(repr(name) for name in names)
            self.msg += f"\n\nThe browser instead transmitted some file names. This was submitted: {listed}"

    def __str__(self) -> str:
        return self.msg


class FormDataRoutingRedirect(AssertionError):
    """A form was sent to a URL that redirects: a browser would repeat the request without the form."""

    def __init__(self, request: Request) -> None:
        redirect = request.routing_exception
        if not isinstance(redirect, RequestRedirect):
            raise TypeError(f"expected a request that routing redirects, got one with {redirect!r}")
        message = f"A request was sent to '{request.url}', but routing issued a redirect to the canonical URL '{redirect.new_url}'."
        if redirect.new_url.partition("?")[0] == f"{request.base_url}/":
            message += (
                " The URL was defined with a trailing slash."
                " Flask will redirect to the URL with a trailing slash if it was accessed without one."
            )
        super().__init__(
            f"{message} Send requests to the canonical URL, or use 307 or 308 for routing redirects."
            " Otherwise, browsers will drop form data.\n\nThis exception is only raised in debug mode."
        )


def attach_enctype_error_multidict(request: Request) -> None:
    """Let `request.files[key]` explain itself when `key` is a field of the form that was sent without files."""
    plain: Any = request.files.__class__

    class ExplainingFiles(plain):  # type: ignore[misc]  # the base is known at run time only
        def __getitem__(self, key: str) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError as error:
                if key not in request.form:
                    raise
                raise DebugFilesKeyError(request, key).with_traceback(error.__traceback__) from None

    ExplainingFiles.__name__, ExplainingFiles.__module__ = plain.__name__, plain.__module__
    request.files.__class__ = ExplainingFiles


def _loader_facts(loader: BaseLoader) -> Iterator[str]:
    yield f"class: {type(loader).__module__}.{type(loader).__name__}"
    for key, value in sorted(vars(loader).items()):
        if key.startswith("_"):
            continue
        if isinstance(value, tuple | list) and all(isinstance(item, str) for item in value):
            yield f"{key}:"
            yield from (f"  - {item}" for item in value)
        elif isinstance(value, str | int | float | bool):
            yield f"{key}: {value!r}"


def _owner(source: Any) -> str:
    if isinstance(source, App):
        return f"application {source.import_name!r}"
    if isinstance(source, Blueprint):
        return f"blueprint {source.name!r} ({source.import_name})"
    return repr(source)


def explain_template_loading_attempts(app: App, template: str, attempts: list[tuple[BaseLoader, Any, Any]]) -> None:
    """Log where a template was looked for, and where it was found.

    Args:
        app: Whose logger.
        template: The name that was asked for.
        attempts: Loader, its app or blueprint, and what it answered, or None.
    """
    lines = [f"Locating template {template!r}:"]
    for number, (loader, source, answer) in enumerate(attempts, 1):
        lines.append(f"{number:5}: trying loader of {_owner(source)}")
        lines.extend(f"       {fact}" for fact in _loader_facts(loader))
        found = "no match" if answer is None else f"found ({answer[1] or '<string>'!r})"
        lines.append(f"       -> {found}")
    count = sum(answer is not None for _, _, answer in attempts)
    if count == 0:
        lines.append("Error: the template could not be found.")
    elif count > 1:
        lines.append("Warning: multiple loaders returned a match for the template.")
    context = _cv_request.get(None)
    blueprint = None if context is None else context.request.blueprint
    if count != 1 and blueprint is not None:
        lines.append(f"  The endpoint being answered belongs to the blueprint {blueprint!r}.")
        lines.append("  Is the template in the template folder of that blueprint, or of the app?")
        lines.append("  See https://flask.palletsprojects.com/blueprints/#templates")
    app.logger.info("\n".join(lines))
