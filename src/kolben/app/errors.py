"""What becomes of an exception: a handler's answer, an HTTP error, a logged 500, or, in debug mode and tests, the exception."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

from werkzeug.exceptions import (
    BadRequest,
    BadRequestKeyError,
    HTTPException,
    InternalServerError,
)
from werkzeug.routing import RequestRedirect, RoutingException

from kolben.app.globals import request
from kolben.app.responses import Responses
from kolben.app.shapes import accepts_context
from kolben.app.signals import got_request_exception

if TYPE_CHECKING:
    from types import TracebackType

    from kolben.app import typing as ft
    from kolben.app.wrappers import Request, Response

__all__ = ["Errors"]


class Errors(Responses):
    """The sixth storey: errors."""

    def _find_error_handler(self, e: Exception, blueprints: list[str]) -> ft.ErrorHandlerCallable | None:
        """Find the handler of an error: by status before by class alone, the blueprint's before the app's, nearest class first."""
        exc_class, code = self._get_exc_class_and_code(type(e))
        for status in (code, None) if code is not None else (None,):
            for name in (*blueprints, None):
                handlers = self.error_handler_spec.get(name, {}).get(status)
                if handlers:
                    for cls in exc_class.__mro__:
                        if cls in handlers:
                            return handlers[cls]
        return None

    def trap_http_exception(self, e: Exception) -> bool:
        """Tell whether an HTTP error is treated as an error of the program instead of as an answer."""
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap_bad_requests = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap_bad_requests is None:  # a missing form key, while one develops, is a mistake to be shown
            return self.debug and isinstance(e, BadRequestKeyError)
        return bool(trap_bad_requests) and isinstance(e, BadRequest)

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Tell whether teardown functions are not to be told of an error.  To be overridden."""
        return False

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Raise what routing found instead of a rule: not found, method not allowed, a redirect."""
        error = cast("HTTPException", request.routing_exception)
        if (
            self.debug
            and isinstance(error, RequestRedirect)
            and error.code not in {307, 308}  # which keep method and body
            and request.method not in {"GET", "HEAD", "OPTIONS"}
        ):
            from kolben.app.debughelpers import FormDataRoutingRedirect

            raise FormDataRoutingRedirect(request)
        raise error

    @accepts_context
    def handle_http_exception(self, e: HTTPException) -> HTTPException | ft.ResponseReturnValue:
        """Answer an HTTP error with its handler's result, or with itself."""
        if e.code is None or isinstance(e, RoutingException):  # a response in disguise; a redirect
            return e
        handler = self._find_error_handler(e, request.blueprints)
        return e if handler is None else cast("ft.ResponseReturnValue", self.ensure_sync(handler)(e))

    @accepts_context
    def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        """Answer an exception of a view or hook with its handler's result; raise it again if it has none."""
        if isinstance(e, BadRequestKeyError) and (self.debug or self.config["TRAP_BAD_REQUEST_ERRORS"]):
            e.show_exception = True
        if isinstance(e, HTTPException) and not self.trap_http_exception(e):
            return self.handle_http_exception(e)
        handler = self._find_error_handler(e, request.blueprints)
        if handler is None:
            raise  # noqa: PLE0704 - called while `e` is being handled, so its traceback stays as it is
        return cast("ft.ResponseReturnValue", self.ensure_sync(handler)(e))

    @accepts_context
    def handle_exception(self, e: Exception) -> Response:
        """Answer an exception that nobody handled: log it and make a 500, or raise it where a developer looks."""
        exc_info = sys.exc_info()
        got_request_exception.send(self, _async_wrapper=self.ensure_sync, exception=e)
        propagate = self.config["PROPAGATE_EXCEPTIONS"]
        if propagate is None:
            propagate = self.testing or self.debug
        if propagate:
            if exc_info[1] is e:
                raise  # noqa: PLE0704 - with its own traceback
            raise e
        self.log_exception(exc_info)
        answer: Any = InternalServerError(original_exception=e)
        handler = self._find_error_handler(answer, request.blueprints)
        if handler is not None:
            answer = self.ensure_sync(handler)(answer)
        return self.finalize_request(answer, from_error_handler=True)

    @accepts_context
    def log_exception(self, exc_info: tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]) -> None:
        """Log an exception that nobody handled.  To be overridden."""
        self.logger.error(f"Exception on {request.path} [{request.method}]", exc_info=exc_info)  # noqa: G004 - the record that Flask makes
