"""From bytes to messages: visitors sign a guest book, a line each.  `nc 127.0.0.1 12345`, then `SIGN Ada: hello`, or `READ`.

A packet is not a message: a line may come in three pieces, or three lines in one.  The codec finds where each ends; the Book knows
what it means and has never seen a socket, so it is tested by calling it.
"""

from kolben import App
from kolben.services import Conversation, LineCodec


class Book:
    def __init__(self):
        self.entries = []

    def answer(self, line):
        """Return the lines that answer one."""
        verb, _, rest = line.partition(" ")
        name, colon, text = rest.partition(": ")
        match verb:
            case "SIGN" if name and colon:
                self.entries.append((name, text))
                return [f"OK {len(self.entries)}"]
            case "READ":
                return [f"{name}: {text}" for name, text in self.entries] + ["."]
        return ["? SIGN name: text, or READ"]


app = App(__name__)
book = Book()


@app.tcp("127.0.0.1:12345")
def guest_book(stream):
    talk = Conversation(stream, LineCodec(limit=1000))
    for line in talk:
        for answer in book.answer(line.decode(errors="replace")):
            talk.put(answer.encode())
