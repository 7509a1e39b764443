"""Views for bench/freeze.py: some short, some that turn out to block, some that burn the processor, some that stream."""

import threading
import time

from kolben import App, request

app = App(__name__)
mood = {"how": ""}
go = threading.Event()


def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@app.get("/view")
def view():
    """Short, until it is told otherwise, once."""
    how, mood["how"] = mood["how"], ""
    if how == "sleep":
        time.sleep(5)
    elif how == "burn":
        burn(5)
    return "done"


@app.get("/mood/<how>")
def change(how):
    mood["how"] = how
    return how


@app.get("/ok")
def ok():
    return "ok"


@app.get("/burn", run="thread")
def burning():
    burn(float(request.args.get("seconds", "1")))
    return "burnt"


@app.get("/stream")
def stream():
    def pieces():
        yield "a"
        go.wait(60)
        yield "b"

    return pieces()


@app.get("/figures/<endpoint>")
def figures(endpoint):
    plan = app.handler.plan_of(endpoint)
    names = ("calls", "earned", "lost", "rescued", "is_inline")
    return {name: getattr(plan.record, name) for name in names} | {"mode": plan.mode}
