"""Views as classes: one method for all, or one for each HTTP method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from kolben.app.globals import current_app, request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kolben.app import typing as ft

__all__ = ["MethodView", "View", "http_method_funcs"]

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
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> ft.RouteCallable:
        """Make a view function called `name`; the other arguments go to the constructor."""
        view: Any
        if cls.init_every_request:

            def view(**kwargs: Any) -> ft.ResponseReturnValue:
                self = view.view_class(*class_args, **class_kwargs)  # which a test or an extension may have replaced
                return cast("ft.ResponseReturnValue", current_app.ensure_sync(self.dispatch_request)(**kwargs))

        else:
            self = cls(*class_args, **class_kwargs)

            def view(**kwargs: Any) -> ft.ResponseReturnValue:
                return cast("ft.ResponseReturnValue", current_app.ensure_sync(self.dispatch_request)(**kwargs))

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

    def dispatch_request(self, **kwargs: Any) -> ft.ResponseReturnValue:
        method = getattr(self, request.method.lower(), None)
        if method is None and request.method == "HEAD":
            method = getattr(self, "get", None)
        if method is None:
            raise AssertionError(f"Unimplemented method {request.method!r}")
        return cast("ft.ResponseReturnValue", current_app.ensure_sync(method)(**kwargs))
