"""Bytes to events and back (RFC 9112, 6455).  No socket, no clock, no event loop in this room."""
