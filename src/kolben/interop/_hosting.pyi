from typing import final

from _typeshed.wsgi import WSGIApplication
from typing_extensions import disjoint_base

from kolben.http import Handler, Plan

@disjoint_base
class WSGIHandler(Handler):
    """One plan for every request: a WSGI application finds its way itself."""

    def __init__(self, application: WSGIApplication) -> None: ...

@disjoint_base
class WSGIPlan(Plan):
    """Calls a WSGI application with the environ of a request."""

    def __init__(self, application: WSGIApplication) -> None: ...

@final
class StartResponse:
    """The `start_response` of one request."""
