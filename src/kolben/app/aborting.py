"""abort(404): leave a view with an HTTP error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from werkzeug.exceptions import abort as _abort

from kolben.app.globals import _cv_app

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

__all__ = ["abort"]


def abort(code: int | Response, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise the HTTP error of a status, or one that answers with a response; by the app's aborter where there is one."""
    context = _cv_app.get(None)
    if context is not None:
        context.app.aborter(code, *args, **kwargs)
    _abort(code, *args, **kwargs)
