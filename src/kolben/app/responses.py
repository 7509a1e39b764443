"""From what a view returned to the response that is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import TYPE_CHECKING, Any, cast

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from kolben.app.globals import _cv_request, current_app, request, request_ctx
from kolben.app.rendering import Rendering
from kolben.app.shapes import accepts_context
from kolben.app.signals import request_finished

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException
    from werkzeug.routing import MapAdapter

    from kolben.app import typing as ft
    from kolben.app.contexts import AppContext
    from kolben.app.wrappers import Response

__all__ = ["Responses", "make_response"]

_EXPECTED = (
    "The view function did not return a valid response. The return type must be a string, dict, list, tuple with headers or"
    " status, Response instance, or WSGI callable, but it was a {}."
)


class Responses(Rendering):
    """The fifth storey: responses."""

    def make_response(self, rv: ft.ResponseReturnValue) -> Response:
        """Turn what a view returned into a `response_class`.

        Text, bytes, JSON of a dict or list, an iterator or an async one, a response, a WSGI application, or a tuple of one of them with
        status, headers or both.
        """
        body, status, headers = _unpack(rv)
        response: Any
        if body is None:
            raise TypeError(
                f"The view function for {request.endpoint!r} did not return a valid response."
                " The function either returned None or ended without a return statement."
            )
        if isinstance(body, self.response_class):
            response = body
        elif isinstance(body, str | bytes | bytearray | Iterator):
            # Status and headers go to the constructor, so that a content type among them is not there twice.
            return self.response_class(cast("Any", body), status=status, headers=headers)
        elif isinstance(body, dict | list):
            response = self.json.response(body)
        elif isinstance(body, AsyncIterator):  # not above: to ask that costs every dict a look into two registries
            return self.response_class(cast("Any", body), status=status, headers=headers)
        elif isinstance(body, BaseResponse) or callable(body):
            response = self._adopt(body)
        else:
            advice = " Await it, in a view that is an `async def`." if isinstance(body, Awaitable) else ""
            raise TypeError(_EXPECTED.format(type(body).__name__) + advice)
        if status is not None:
            if isinstance(status, str | bytes | bytearray):
                response.status = status
            else:
                response.status_code = status
        if headers:
            response.headers.update(headers)
        return cast("Response", response)

    def _adopt(self, body: Any) -> Response:
        """Make our own response of another class's, or of what a WSGI application answers."""
        try:
            return cast("Response", self.response_class.force_type(body, request.environ))
        except TypeError as error:
            message = f"{error}\n{_EXPECTED.format(type(body).__name__)}"
            raise TypeError(message).with_traceback(error.__traceback__) from None

    @accepts_context
    def finalize_request(self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False) -> Response:
        """Make the response and let the after-request functions have it.

        Args:
            rv: What a view or an error handler returned.
            from_error_handler: We are already answering with an error: log a second one instead of raising it.
        """
        response = self.make_response(rv)
        try:
            response = self.process_response(response)
            request_finished.send(self, _async_wrapper=self.ensure_sync, response=response)
        except Exception:
            if not from_error_handler:
                raise
            self.logger.exception("Request finalizing failed with an error while handling an error")
        return response

    @accepts_context
    def process_response(self, response: Response) -> Response:
        """Give the response to the functions of this request, to the blueprint's, to the app's; then save the session."""
        context = cast("AppContext", request_ctx._get_current_object())  # type: ignore[attr-defined]  # the proxy is declared as what it stands for
        for function in context._after_request_functions:
            response = self.ensure_sync(function)(response)
        for name in (*context.request.blueprints, None):
            for function in reversed(self.after_request_funcs.get(name, ())):
                response = self.ensure_sync(function)(response)
        session = context._get_session()
        if not self.session_interface.is_null_session(session):
            self.session_interface.save_session(self, session, response)
        return response

    @accepts_context
    def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the methods of the URL."""
        response = self.response_class()
        response.allow.update(cast("MapAdapter", _cv_request.get().url_adapter).allowed_methods())
        return response


def _unpack(rv: Any) -> tuple[Any, Any, Any]:
    """Return body, status and headers of what a view returned."""
    if not isinstance(rv, tuple):
        return rv, None, None
    if len(rv) == 3:
        return rv
    if len(rv) == 2:
        body, more = rv
        return (body, None, more) if isinstance(more, Headers | dict | tuple | list) else (body, more, None)
    raise TypeError(
        "The view function did not return a valid response tuple."
        " The tuple must have the form (body, status, headers), (body, status), or (body, headers)."
    )


def make_response(*args: Any) -> Response:
    """Make the response that a view would cause by returning the arguments, to change it before it is returned."""
    if not args:
        return current_app.response_class()
    return current_app.make_response(args[0] if len(args) == 1 else cast("Any", args))
