"""Somebody else's application as something to serve: what the server and the command line ask of an app of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kolben.interop._asgi import ASGIHandler
from kolben.interop._hosting import WSGIHandler
from kolben.interop.asgi import HostedLifespan

if TYPE_CHECKING:
    from kolben.http import Handler
    from kolben.interop.detection import Interface

__all__ = ["Hosted"]


class Hosted:
    """A WSGI or ASGI application, with a handler.

    Attributes:
        debug: Is of no effect: it is the application's own affair.
    """

    def __init__(self, application: Any, interface: Interface) -> None:
        self.application = application
        self.interface = interface
        self.debug = False
        self.handler: Handler = ASGIHandler(application, HostedLifespan(application)) if interface == "asgi" else WSGIHandler(application)
