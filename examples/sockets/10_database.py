"""The book outlives the process: a database, opened in the application context, by pages and connections alike.

`kolben run 10_database.py`; stop it, start it again, and who signed is still there.  With `kolben serve` there are several processes,
and the database is what they share: a list in memory would be one for each.
"""

import sqlite3

from kolben import App, g, redirect, render_template, request
from kolben.services import Conversation, LineCodec

app = App(__name__)
app.config["DATABASE"] = "guest_book.sqlite"


def database():
    if "database" not in g:
        g.database = sqlite3.connect(app.config["DATABASE"])
        g.database.execute("CREATE TABLE IF NOT EXISTS entries (name TEXT NOT NULL, text TEXT NOT NULL)")
    return g.database


@app.teardown_appcontext
def close_database(_):
    if "database" in g:
        g.database.close()


def add(name, text):
    with database() as transaction:
        transaction.execute("INSERT INTO entries VALUES (?, ?)", (name, text))


def all_entries():
    return database().execute("SELECT name, text FROM entries ORDER BY rowid").fetchall()


@app.tcp("127.0.0.1:12345")
def guest_book(stream):
    talk = Conversation(stream, LineCodec(limit=1000))
    for line in talk:
        name, _, text = line.decode(errors="replace").partition(": ")
        add(name, text)
        talk.put(b"OK %d" % len(all_entries()))


@app.get("/")
def read():
    return render_template("book.html", entries=all_entries())


@app.post("/")
def sign():
    add(request.form["name"], request.form["text"])
    return redirect("/")
