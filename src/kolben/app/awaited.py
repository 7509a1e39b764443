"""The steps around an async view that may have to be waited for: async functions are awaited, plain ones do not stop the loop.

An AppPlan walks them itself where there is nothing to wait for.  The order is that of general.py and of the methods that it calls.
"""

from __future__ import annotations

from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from kolben.app import signals
from kolben.app.contexts import ErrorCollector
from kolben.app.measured import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kolben.app.app import App
    from kolben.app.contexts import AppContext
    from kolben.app.measured import MeasuredHooks
    from kolben.app.wrappers import Request, Response

__all__ = ["Awaited"]


class Awaited:
    """What a plan whose view is a task may have to wait for.

    Attributes:
        own_errors: Somebody replaced how the app treats exceptions.
        own_session: The session is opened and saved by somebody else's code, which may block.
    """

    def __init__(
        self,
        app: App,
        hooks: MeasuredHooks,
        *,
        after: Iterable[Callable[..., Any]],
        teardown: Iterable[Callable[..., Any]],
        own_errors: bool,
        own_session: bool,
    ) -> None:
        self.app = app
        self.own_errors = own_errors
        self.own_session = own_session
        self._hooks = hooks
        self._after = tuple(map(hooks.of, after))
        self._teardown_request = tuple(map(hooks.of, teardown))
        self._teardown_app = tuple(map(hooks.of, reversed(app.teardown_appcontext_funcs)))

    async def begin(self, context: AppContext) -> None:
        """Tell who listens, and open a session that must be open before the first hook."""
        await self._tell(signals.appcontext_pushed)
        if self.own_session:
            await in_thread(context._open_session)
        await self._tell(signals.request_started)

    async def finish(self, context: AppContext, rv: Any) -> Response:
        """Make the response, let the after-request functions have it, save the session."""
        app = self.app
        response = app.make_response(rv)
        for function in context._after_request_functions:
            response = await _finished(self._hooks.of_request(function)(response))
        for function in self._after:
            response = await _finished(function(response))
        if context._session is not None or context.wants_session():
            session = context._get_session()
            if not app.session_interface.is_null_session(session):
                save = partial(app.session_interface.save_session, app, session, response)
                await in_thread(save) if self.own_session else save()
        await self._tell(signals.request_finished, response=response)
        return response

    async def recover(self, context: AppContext, error: Exception) -> Response:
        """Answer with what a handler makes of an exception, or raise it."""
        return await self.finish(context, await self._handle(context, error))

    async def _handle(self, context: AppContext, error: Exception) -> Any:
        app = self.app
        handler = app._find_error_handler(error, cast("Request", context._request).blueprints)
        if self.own_errors or (handler is not None and not iscoroutinefunction(handler)):
            key = None if self.own_errors else handler
            return await _finished(self._hooks.known_as(key, _while_handled)(app.handle_user_exception, error))
        if handler is None or self._answers_itself(error):
            return _while_handled(app.handle_user_exception, error)
        return await handler(error)

    def _answers_itself(self, error: Exception) -> bool:
        """Tell whether an exception is a response in disguise, or a redirect."""
        if not isinstance(error, HTTPException) or self.app.trap_http_exception(error):
            return False
        return error.code is None or isinstance(error, RoutingException)

    async def fail(self, error: Exception) -> Response:
        """Answer an exception that nobody handled.  In a thread: what logs it may send it somewhere."""
        return cast("Response", await in_thread(_while_handled, self.app.handle_exception, error))

    async def tear_down(self, context: AppContext) -> None:
        """Call the teardown functions, whatever each of them raises."""
        errors = ErrorCollector()
        error, context._left_error = context._left_error, None
        request = cast("Request", context._request)
        await self._call_each(errors, self._teardown_request, error)
        with errors:
            await self._tell(signals.request_tearing_down, exc=error)
        with errors:
            request.close()
        if context._host is None:
            await self._call_each(errors, self._teardown_app, error)
            with errors:
                await self._tell(signals.appcontext_tearing_down, exc=error)
        with errors:
            await self._tell(signals.appcontext_popped)
        errors.raise_any("Errors during context teardown")

    async def _call_each(self, errors: ErrorCollector, functions: Iterable[Callable[..., Any]], error: BaseException | None) -> None:
        for function in functions:
            with errors:
                await _finished(function(error))

    async def _tell(self, signal: Any, **values: Any) -> None:
        """Send a signal to who listens; in a thread, as nobody knows what they do."""
        if signal.receivers:
            await in_thread(partial(signal.send, self.app, _async_wrapper=self.app.ensure_sync, **values))


async def _finished(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


def _while_handled(function: Callable[[Exception], Any], error: Exception) -> Any:
    """Call a function that may raise the exception again, or log it, as if it had just been caught here."""
    traceback = error.__traceback__
    try:
        raise error  # noqa: TRY301 - which is what makes it the one that is handled
    except Exception:
        error.__traceback__ = traceback
        return function(error)
