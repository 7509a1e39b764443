"""From data to a page: the view gives the entries to a template, which escapes what strangers wrote.

`kolben run 09_template.py`, then http://127.0.0.1:5000/ in a browser.
"""

from kolben import App, redirect, render_template, request
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
    return render_template("book.html", entries=entries)


@app.post("/")
def sign():
    entries.append((request.form["name"], request.form["text"]))
    return redirect("/")
