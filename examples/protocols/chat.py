"""A chat of lines: `kolben run chat.py`, then `nc 127.0.0.1 5001` in two terminals.

Room knows who is there and what they are told; it has never seen a socket.  `chat` gives it one for each person who comes.
"""

import asyncio

from kolben import App
from kolben.services import LineCodec
from kolben.services.aio import Conversation

WAITING = 100  # lines that may wait for somebody who does not read; then that person is asked to leave


class Member:
    """Somebody in the room, and the lines that wait for them; `show_out` is what ends their connection."""

    def __init__(self, name, show_out):
        self.name = name
        self.lines = asyncio.Queue(WAITING)
        self.show_out = show_out

    def tell(self, line):
        try:
            self.lines.put_nowait(line)
        except asyncio.QueueFull:
            self.show_out()


class Room:
    """Who is there.  Everybody is told what one says."""

    def __init__(self):
        self.members = {}
        self.guests = 0

    def join(self, show_out):
        self.guests += 1
        member = Member(f"guest{self.guests}", show_out)
        self.say_to_all(f"* {member.name} has come")
        self.members[member.name] = member
        member.tell(f"* hello {member.name}: /nick NAME, /who, /quit")
        return member

    def leave(self, member):
        if self.members.pop(member.name, None):
            self.say_to_all(f"* {member.name} has gone")

    def hear(self, member, line):
        """Take a line of somebody's; False if it was the last."""
        word, _, rest = line.partition(" ")
        match word:
            case "/quit":
                return False
            case "/who":
                member.tell("* " + ", ".join(sorted(self.members)))
            case "/nick":
                self.rename(member, rest.strip())
            case _ if word.startswith("/"):
                member.tell(f"* expected /nick NAME, /who or /quit, got {word}")
            case _ if line:
                self.say_to_all(f"{member.name}: {line}")
        return True

    def rename(self, member, name):
        if not name.isalnum() or len(name) > 20:
            member.tell("* expected a name of at most 20 letters and digits")
        elif name in self.members:
            member.tell(f"* {name} is somebody else")
        else:
            old, member.name = member.name, name
            self.members[name] = self.members.pop(old)
            self.say_to_all(f"* {old} is now {name}")

    def say_to_all(self, line):
        for member in self.members.values():
            member.tell(line)


app = App(__name__)
room = Room()


@app.tcp("127.0.0.1:5001")
async def chat(stream):
    member = room.join(stream.abort)
    async with Conversation(stream, LineCodec(limit=1000)) as talk:
        writer = asyncio.create_task(write_lines(member, talk))
        try:
            async for line in talk:
                if not room.hear(member, line.decode(errors="replace")):
                    break
        finally:
            room.leave(member)
            writer.cancel()


async def write_lines(member, talk):
    while True:
        await talk.send((await member.lines.get()).encode())


@app.get("/")
def index():
    return {"members": sorted(room.members)}
