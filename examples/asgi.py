"""An ASGI application of nobody's framework, for `kolben run examples/asgi.py`."""


async def app(scope, receive, send):
    """Say hello."""
    if scope["type"] != "http":
        raise ValueError("no lifespan: it is served without")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello from ASGI\n"})
