"""One connection's life on our own server, execution, graceful stop.  Knows a Handler, not an App."""
