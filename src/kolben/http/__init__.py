"""What messages mean (RFC 9110): Request, Response, headers, forms, JSON; the Handler and Plan protocols."""

from kolben.http.plan import Handler, Mode, Plan
from kolben.http.request import Request
from kolben.http.response import Response

__all__ = ["Handler", "Mode", "Plan", "Request", "Response"]
