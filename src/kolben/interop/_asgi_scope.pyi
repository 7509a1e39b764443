"""The scope of an HTTP request (ASGI 3, HTTP 2.5)."""
