"""One connection's life on our own server, execution, graceful stop.  Knows a Handler, not an App."""

from kolben.server.serving import Server, run_app

__all__ = ["Server", "run_app"]
