"""What messages mean (RFC 9110): Request, Response, headers, forms, JSON; the Handler and Plan protocols."""

from werkzeug.wrappers import Request as Request
from werkzeug.wrappers import Response as Response
