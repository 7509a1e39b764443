"""From a function that owns a connection to one that answers a message: a handler.  `kolben run 07_handler.py`

What every protocol repeats, the loop, the codec, the encoding, moves into one place; what is left is a table of verbs and functions.
That is the idea of a view, before there is HTTP.
"""

from kolben import App
from kolben.services import LineCodec
from kolben.services.aio import Conversation

app = App(__name__)
entries = []
handlers = {}


def verb(function):
    handlers[function.__name__.upper()] = function
    return function


@verb
def sign(rest):
    name, colon, text = rest.partition(": ")
    if not name or not colon:
        return "? SIGN name: text"
    entries.append((name, text))
    return f"OK {len(entries)}"


@verb
def read(_):
    return "\n".join([*(f"{name}: {text}" for name, text in entries), "."])


def dispatch(line):
    word, _, rest = line.partition(" ")
    handler = handlers.get(word)
    return handler(rest) if handler else "? " + ", ".join(handlers)


@app.tcp("127.0.0.1:12345")
async def guest_book(stream):
    async with Conversation(stream, LineCodec(limit=1000)) as talk:
        async for line in talk:
            for answer in dispatch(line.decode(errors="replace")).split("\n"):
                talk.put(answer.encode())
