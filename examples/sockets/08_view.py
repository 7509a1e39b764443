"""The same book over HTTP: a view is a handler whose verbs are GET and POST and whose names are paths.

`kolben run 08_view.py`, then `curl 127.0.0.1:5000/` and `curl -d name=Ada -d text=hello 127.0.0.1:5000/`; `nc` still works beside it.
"""

from kolben import App, redirect, request
from kolben.services import Conversation, LineCodec

app = App(__name__)
entries = []


@app.tcp("127.0.0.1:12345")
def guest_book(stream):
    talk = Conversation(stream, LineCodec(limit=1000))
    for line in talk:
        name, _, text = line.decode(errors="replace").partition(": ")
        entries.append((name, text))
        talk.put(b"OK %d" % len(entries))


@app.get("/")
def read():
    return {"entries": [{"name": name, "text": text} for name, text in entries]}


@app.post("/")
def sign():
    entries.append((request.form["name"], request.form["text"]))
    return redirect("/")
