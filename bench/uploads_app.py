"""Views that take a body whole, for uploads.py."""

from kolben import App, request

app = App(__name__, static_folder=None)


def take():
    assert len(request.get_data()) == request.content_length
    return "ok"


async def take_async():
    return take()


app.post("/inline", run="inline", endpoint="inline")(take)
app.post("/thread", run="thread", endpoint="thread")(take)
app.post("/async", endpoint="async")(take_async)
