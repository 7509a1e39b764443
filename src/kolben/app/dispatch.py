"""The steps of one request as methods, so that each can be replaced; how a plan walks them stands in _plan.pyx and general.py."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from kolben.app.contexts import AppContext, ErrorCollector, RequestContext, _sentinel
from kolben.app.errors import Errors
from kolben.app.globals import request_ctx
from kolben.app.shapes import accepts_context
from kolben.app.signals import (
    appcontext_tearing_down,
    request_started,
    request_tearing_down,
)
from kolben.app.signatures import ViewArgumentsError, explain_call
from kolben.interop._wsgi import answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from kolben.app import typing as ft
    from kolben.app.app import App
    from kolben.app.wrappers import Response
    from kolben.http import Handler

__all__ = ["Dispatch"]


class Dispatch(Errors):
    """The seventh storey: answering."""

    @property
    def handler(self) -> Handler:
        """What our server and the WSGI face ask: finds the plan of a request."""
        handler = self.__dict__.get("_handler")
        if handler is None:
            from kolben.app.plans import make_handler

            handler = self.__dict__["_handler"] = make_handler(cast("App", self))
        return cast("Handler", handler)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return answer(self.handler, environ, start_response)

    @accepts_context
    def full_dispatch_request(self) -> Response:
        """Answer the current request, handled errors included."""
        self._got_first_request = True
        rv: Any
        try:
            request_started.send(self, _async_wrapper=self.ensure_sync)
            rv = self.preprocess_request()
            if rv is None:
                rv = self.dispatch_request()
        except Exception as error:
            rv = self.handle_user_exception(error)
        return self.finalize_request(rv)

    @accepts_context
    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Call the value preprocessors and before-request functions, the app's, then the blueprints', outermost first.

        Returns:
            The answer of the first before-request function that has one: the view is not called then.
        """
        request = request_ctx.request
        names = (None, *reversed(request.blueprints))
        for name in names:
            for preprocess in self.url_value_preprocessors.get(name, ()):
                preprocess(request.endpoint, request.view_args)
        for name in names:
            for function in self.before_request_funcs.get(name, ()):
                rv = self.ensure_sync(function)()
                if rv is not None:
                    return cast("ft.ResponseReturnValue", rv)
        return None

    @accepts_context
    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the view of the rule that matched; raise what routing found if none did."""
        request = request_ctx.request
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        rule: Any = request.url_rule
        if getattr(rule, "provide_automatic_options", False) and request.method == "OPTIONS":
            return self.make_default_options_response()
        view = self.ensure_sync(self.view_functions[rule.endpoint])
        view_args = cast("dict[str, Any]", request.view_args)
        try:
            return cast("ft.ResponseReturnValue", view(**view_args))
        except TypeError as error:
            explained = explain_call(error, view, rule, view_args)
            if explained is None:
                raise
            raise ViewArgumentsError(explained) from error

    # -- Teardown

    @accepts_context
    def do_teardown_request(self, exc: BaseException | None = _sentinel) -> None:
        """Call the teardown functions, the blueprint's before the app's; each is called whatever the others raise."""
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        errors = ErrorCollector()
        for name in (*request_ctx.request.blueprints, None):
            for function in reversed(self.teardown_request_funcs.get(name, ())):
                with errors:
                    self.ensure_sync(function)(exc)
        with errors:
            request_tearing_down.send(self, _async_wrapper=self.ensure_sync, exc=exc)
        errors.raise_any("Errors during request teardown")

    @accepts_context
    def do_teardown_appcontext(self, exc: BaseException | None = _sentinel) -> None:
        """Call the teardown functions of the app context; each is called whatever the others raise."""
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        errors = ErrorCollector()
        for function in reversed(self.teardown_appcontext_funcs):
            with errors:
                self.ensure_sync(function)(exc)
        with errors:
            appcontext_tearing_down.send(self, _async_wrapper=self.ensure_sync, exc=exc)
        errors.raise_any("Errors during app teardown")

    # -- Contexts

    def app_context(self) -> AppContext:
        """Make a context in which this is the current app: `with app.app_context(): ...`."""
        return AppContext(cast("App", self))

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """Make a context in which the request of an environ is the current one."""
        return RequestContext(cast("App", self), environ)

    def test_request_context(self, *args: Any, **kwargs: Any) -> RequestContext:
        """Make a context with a request as a test's client would send it; arguments as for its `open`."""
        from kolben.testing import EnvironBuilder

        builder = EnvironBuilder(cast("App", self), *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()
