"""Flask's module `wrappers`."""

from werkzeug.wrappers import Request as RequestBase
from werkzeug.wrappers import Response as ResponseBase

from kolben.app.wrappers import Request, Response

__all__ = [
    "Request",
    "RequestBase",
    "Response",
    "ResponseBase",
]
