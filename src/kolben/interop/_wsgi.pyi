from collections.abc import Iterable

from _typeshed.wsgi import StartResponse, WSGIEnvironment

from kolben.http import Handler

def answer(handler: Handler, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request.  The teardown has run when this returns, unless a stream still needs the context."""
