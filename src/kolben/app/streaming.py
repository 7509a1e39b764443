"""Lazy bodies that still see the request they answer."""

from __future__ import annotations

from contextvars import Context, copy_context
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, AnyStr, overload

from kolben.app.globals import _cv_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kolben.app.contexts import AppContext

__all__ = ["stream_with_context"]


@overload
def stream_with_context(generator_or_function: Iterator[AnyStr]) -> Iterator[AnyStr]: ...


@overload
def stream_with_context(generator_or_function: Callable[..., Iterator[AnyStr]]) -> Callable[..., Iterator[AnyStr]]: ...


def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request (and session, g, current_app) for an iterator until it ends.  Teardown waits for that.

    Takes an iterator, or decorates a function that returns one.  The session can no longer be changed: the head is on its way.
    """
    try:
        items = iter(generator_or_function)
    except TypeError:

        def decorated(*args: Any, **kwargs: Any) -> Any:
            return stream_with_context(generator_or_function(*args, **kwargs))

        return update_wrapper(decorated, generator_or_function)
    context = _cv_request.get(None)
    if context is None:
        raise RuntimeError("'stream_with_context' can only be used when a request context is active, such as in a view function.")
    stream = _stream(items, context, copy_context())
    next(stream)  # into the try block: a stream that nobody reads still lets go when it is closed or collected
    return stream


def _stream(items: Iterator[Any], context: AppContext, variables: Context) -> Iterator[Any]:
    """Yield once, empty, then the items, each made with the context variables of the view.

    `variables` belongs to this stream alone: whichever threads or tasks ask for the chunks, the same request is current in it.
    """
    context.hold()
    error: BaseException | None = None
    try:
        yield None
        while True:
            try:
                item = variables.run(next, items)
            except StopIteration:
                return
            yield item
    except GeneratorExit:  # the peer has gone, or nobody wanted the rest: no error of the app
        raise
    except BaseException as raised:
        error = raised
        raise
    finally:
        try:
            if hasattr(items, "close"):
                variables.run(items.close)
        finally:
            variables.run(context.release, error)
