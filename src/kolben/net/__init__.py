"""Sockets: addresses, listeners, streams, datagrams, TLS, timers, the native poller.  Has never heard of HTTP."""
