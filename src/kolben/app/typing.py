"""What views, hooks and handlers may take and return, as types.  The names are Flask's."""

from __future__ import annotations

from collections.abc import (
    AsyncIterable,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from werkzeug.datastructures import Headers
    from werkzeug.sansio.response import Response

# Unions are spelled the old way where a part is a forward reference in quotes: `"Response" | str` fails when evaluated.
HeaderValue = Union[str, list[str], tuple[str, ...]]
HeadersValue = Union["Headers", Mapping[str, HeaderValue], Sequence[tuple[str, HeaderValue]]]
ResponseValue = Union[
    "Response",
    str,
    bytes,
    list[Any],
    Mapping[str, Any],
    Iterator[str],
    Iterator[bytes],
    AsyncIterable[str],
    AsyncIterable[bytes],
]
ResponseReturnValue = Union[
    ResponseValue,
    tuple[ResponseValue, HeadersValue],
    tuple[ResponseValue, int],
    tuple[ResponseValue, int, HeadersValue],
    "WSGIApplication",
]
ResponseClass = TypeVar("ResponseClass", bound="Response")
AppOrBlueprintKey = Optional[str]

RouteCallable = Union[Callable[..., ResponseReturnValue], Callable[..., Awaitable[ResponseReturnValue]]]
BeforeFirstRequestCallable = Union[Callable[[], None], Callable[[], Awaitable[None]]]
BeforeRequestCallable = Union[
    Callable[[], Optional[ResponseReturnValue]],
    Callable[[], Awaitable[Optional[ResponseReturnValue]]],
]
AfterRequestCallable = Union[Callable[[ResponseClass], ResponseClass], Callable[[ResponseClass], Awaitable[ResponseClass]]]
TeardownCallable = Union[Callable[[Optional[BaseException]], None], Callable[[Optional[BaseException]], Awaitable[None]]]
# Any: a handler may name the one exception class that it is registered for.
ErrorHandlerCallable = Union[Callable[[Any], ResponseReturnValue], Callable[[Any], Awaitable[ResponseReturnValue]]]

ShellContextProcessorCallable = Callable[[], dict[str, Any]]
TemplateContextProcessorCallable = Union[Callable[[], dict[str, Any]], Callable[[], Awaitable[dict[str, Any]]]]
TemplateFilterCallable = Callable[..., Any]
TemplateGlobalCallable = Callable[..., Any]
TemplateTestCallable = Callable[..., bool]
URLDefaultCallable = Callable[[str, dict[str, Any]], None]
URLValuePreprocessorCallable = Callable[[Optional[str], Optional[dict[str, Any]]], None]
