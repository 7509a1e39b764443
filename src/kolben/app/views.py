"""Views as classes: one method for all, or one for each HTTP method."""

from __future__ import annotations

from functools import update_wrapper
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, cast

from kolben.app.globals import current_app, request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kolben.app import typing as ft

__all__ = ["MethodView", "View", "http_method_funcs", "is_partly_async", "task_of"]

http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})


class View:
    """A view with state or inheritance.  `as_view` makes the function to register.

    Attributes:
        methods: HTTP methods of its rules unless the route says otherwise.
        provide_automatic_options: Whether OPTIONS is answered by itself.
        decorators: Applied to the view function, the first one innermost.
        init_every_request: Make an instance per request.  False: one for all, which must keep nothing about a request in itself.
    """

    methods: ClassVar[Collection[str] | None] = None
    provide_automatic_options: ClassVar[bool | None] = None
    decorators: ClassVar[list[Callable[..., Any]]] = []
    init_every_request: ClassVar[bool] = True

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Answer.  Gets the values of the rule as keyword arguments."""
        raise NotImplementedError

    @classmethod
    def _is_async(cls) -> bool:
        """Tell whether whatever answers is async, so that the view can be a task of the server's loop."""
        return iscoroutinefunction(cls.dispatch_request)

    def _begin(self, **kwargs: Any) -> Any:
        return self.dispatch_request(**kwargs)

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> ft.RouteCallable:
        """Make a view function called `name`; the other arguments go to the constructor."""
        if cls.init_every_request:

            def instance() -> View:
                return cast("View", view.view_class(*class_args, **class_kwargs))  # a class that a test or an extension may have replaced

        else:
            shared = cls(*class_args, **class_kwargs)

            def instance() -> View:
                return shared

        def answer(**kwargs: Any) -> ft.ResponseReturnValue:
            return cast("ft.ResponseReturnValue", current_app.ensure_sync(instance().dispatch_request)(**kwargs))

        view: Any = answer
        if cls._is_async():

            async def as_task(**kwargs: Any) -> ft.ResponseReturnValue:
                rv = instance()._begin(**kwargs)
                return cast("ft.ResponseReturnValue", await rv if hasattr(rv, "__await__") else rv)

            view.as_task = view, update_wrapper(as_task, view)

        view.__name__, view.__module__ = name, cls.__module__  # before decorating: decorators may read them
        for decorator in cls.decorators:
            view = decorator(view)
        view.view_class = cls
        view.__name__, view.__module__, view.__doc__ = name, cls.__module__, cls.__doc__
        view.methods = cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        return cast("ft.RouteCallable", view)


class MethodView(View):
    """A view with a method `get`, `post` ... for each HTTP method that it answers."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return
        inherited = {method for base in cls.__bases__ for method in getattr(base, "methods", None) or ()}
        own = {name.upper() for name in http_method_funcs if hasattr(cls, name)}
        if inherited or own:
            cls.methods = inherited | own

    @classmethod
    def _is_async(cls) -> bool:
        if cls.dispatch_request is not MethodView.dispatch_request:
            return super()._is_async()
        return all(iscoroutinefunction(getattr(cls, name, None)) for name in http_method_funcs if hasattr(cls, name))

    def dispatch_request(self, **kwargs: Any) -> ft.ResponseReturnValue:
        return cast("ft.ResponseReturnValue", current_app.ensure_sync(self._method())(**kwargs))

    def _begin(self, **kwargs: Any) -> Any:
        if type(self).dispatch_request is not MethodView.dispatch_request:
            return super()._begin(**kwargs)
        return self._method()(**kwargs)

    def _method(self) -> Any:
        method = getattr(self, request.method.lower(), None)
        if method is None and request.method == "HEAD":
            method = getattr(self, "get", None)
        if method is None:
            raise AssertionError(f"Unimplemented method {request.method!r}")
        return method


def task_of(view: Any) -> Any:
    """Return the async function that a view is, or stands for; None: it is a plain one."""
    if iscoroutinefunction(view):
        return view
    of, task = getattr(view, "as_task", (None, None))
    return task if of is view else None  # else a decorator has copied what it wraps


def is_partly_async(view: Any) -> bool:
    """Tell whether a view is async, or any method of the class that it was made of."""
    cls = getattr(view, "view_class", None)
    return iscoroutinefunction(view) or any(
        iscoroutinefunction(getattr(cls, name, None)) for name in ("dispatch_request", *http_method_funcs)
    )
