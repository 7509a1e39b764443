"""A key-value server that speaks the protocol of Redis: `kolben run resp.py`, then `redis-cli -p 6380`.

RespCodec knows bytes, Store knows commands, and `resp` at the end ties both to a socket.  The first two are tested without one.
"""

from collections import deque

from kolben import App
from kolben.base import LimitExceeded, RemoteProtocolError
from kolben.services import CLOSED, NEED_DATA
from kolben.services.aio import Conversation

VALUE_LIMIT = 8 * 1024 * 1024  # bytes
WORDS_LIMIT = 1024
LINE_LIMIT = 64 * 1024  # bytes of an inline command
LINES = {b"*%d" % words: 1 + 2 * words for words in range(1, 20)}  # of a command, by its first one
LENGTHS = {length: b"$%d" % length for length in range(10_000)}  # as a line in front of a value
OK, NULL, NO_KEY = b"+OK\r\n", b"$-1\r\n", b":0\r\n"


class RespCodec:
    """Commands in, as lists of bytes; replies out, already encoded."""

    def __init__(self):
        self._buffer = b""
        self._at = 0  # where the next command begins
        self._waiting = []  # what came since, of a value that is not whole
        self._missing = 0  # bytes of it that are still to come
        self._commands = deque()
        self._replies = []
        self._is_closed = False
        self._problem = None

    def receive_data(self, data):
        self._is_closed = not data
        if self._at < len(self._buffer):
            self._missing -= len(data)
            self._waiting.append(data)
            if self._missing > 0:  # of a large value: it is put together once, when it is whole
                return
            data = b"".join([self._buffer[self._at :], *self._waiting])
            self._waiting, self._missing = [], 0
        lines = data.split(b"\r\n")
        words = lines[2::2]
        # One command alone, and no line end in its words, is what nearly always comes.
        if LINES.get(lines[0]) == len(lines) - 1 and lines[1:-1:2] == [*map(LENGTHS.get, map(len, words))] and not lines[-1]:
            self._commands.append(words)
            self._buffer, self._at = b"", 0
            return
        self._buffer = data
        try:
            self._parse(lines)
        except RemoteProtocolError as problem:
            self._problem = problem  # what came before it is answered first

    def next_event(self):
        if self._commands:
            return self._commands.popleft()
        if self._problem:
            self._replies.append(error(str(self._problem)))
            raise self._problem
        return CLOSED if self._is_closed else NEED_DATA

    def send(self, reply):
        self._replies.append(reply)

    def data_to_send(self):
        replies = self._replies
        if len(replies) == 1:
            return replies.pop()
        data = b"".join(replies)
        replies.clear()
        return data

    def _parse(self, lines):
        """Read every command that is whole."""
        self._at = self._read_simple(lines)
        while self._at < len(self._buffer) and (end := self._read_any(self._at)):
            self._at = end

    def _read_simple(self, lines):
        """Read commands whose words hold no line ends; return where the first other one begins.

        One split for all that came: four times as quick as looking for each end.
        """
        at, last = 0, len(lines) - 1  # behind the last line end there is nothing, or a part of a command
        while at < last and (count := LINES.get(lines[at])):
            end = at + count
            words = lines[at + 2 : end : 2]
            if end > last or lines[at + 1 : end : 2] != [*map(LENGTHS.get, map(len, words))]:
                break
            self._commands.append(words)
            at = end
        return len(self._buffer) - (len(b"\r\n".join(lines[at:])) if at < last else len(lines[last]))

    def _read_any(self, at):
        """Read one command; return its end, or 0 if it is not whole."""
        buffer = self._buffer
        if not (end := self._line_end(at)):
            return 0
        if buffer[at : at + 1] != b"*":
            self._add(buffer[at : end - 2].split())  # as a person types it into telnet
            return end
        words, count, at = [], size(buffer[at + 1 : end - 2], WORDS_LIMIT), end
        for _ in range(count):
            if not (start := self._line_end(at)):
                return 0
            if buffer[at : at + 1] != b"$":
                raise RemoteProtocolError(f"Protocol error: expected '$', got {buffer[at : at + 1]!r}")
            end = start + size(buffer[at + 1 : start - 2], VALUE_LIMIT)
            at = end + 2
            if len(buffer) < at:
                self._missing = at - len(buffer)
                return 0
            if buffer[end:at] != b"\r\n":
                raise RemoteProtocolError("Protocol error: expected a line end behind a value")
            words.append(buffer[start:end])
        self._add(words)
        return at

    def _line_end(self, at):
        """Where the line ends that begins there; 0 if it has not come."""
        end = self._buffer.find(b"\r\n", at)
        if end < 0 and len(self._buffer) - at > LINE_LIMIT:
            raise LimitExceeded("Protocol error: too big inline request")
        return end + 2 if end >= 0 else 0

    def _add(self, words):
        if words:
            self._commands.append(words)


def size(text, limit):
    """Read a count or a length."""
    if not text.isdigit() or len(text) > 10:  # int() would also take "+5" and "1_0"
        raise RemoteProtocolError(f"Protocol error: expected a length, got {text[:20]!r}")
    number = int(text)
    if number > limit:
        raise LimitExceeded(f"Protocol error: expected at most {limit}, got {number}")
    return number


def bulk(value):
    return NULL if value is None else b"$%d\r\n%b\r\n" % (len(value), value)


def array(values):
    return b"*%d\r\n%b" % (len(values), b"".join(map(bulk, values)))


def error(text):
    return b"-ERR %b\r\n" % text.encode().replace(b"\r", b" ").replace(b"\n", b" ")


class Store:
    """Keys, values, and what can be done with them: a method for each command, with its words as arguments, the first being its name."""

    def __init__(self):
        self.values = {}
        methods = {name.removeprefix("do_").encode(): getattr(self, name) for name in dir(self) if name.startswith("do_")}
        self.commands = methods | {name.upper(): method for name, method in methods.items()}  # as programs write them

    def run(self, words):
        """Return the reply to one command."""
        command = self.commands.get(words[0]) or self.commands.get(words[0].lower())
        if command is None:
            return error(f"unknown command '{words[0].decode(errors='replace')}'")
        try:
            return command(*words)
        except TypeError:
            return error(f"wrong number of arguments for '{words[0].decode(errors='replace')}' command")

    def do_get(self, _, key, /):
        return bulk(self.values.get(key))

    def do_set(self, _, key, value, /):
        self.values[key] = value
        return OK

    def do_del(self, _, /, *keys):
        return b":%d\r\n" % sum(self.values.pop(key, None) is not None for key in keys)

    def do_exists(self, _, /, *keys):
        return b":%d\r\n" % sum(key in self.values for key in keys)

    def do_incr(self, _, key, /):
        try:
            number = int(self.values.get(key, b"0")) + 1
        except ValueError:
            return error("value is not an integer or out of range")
        self.values[key] = b"%d" % number
        return b":%d\r\n" % number

    def do_mget(self, _, /, *keys):
        return array([self.values.get(key) for key in keys])

    def do_keys(self, _, pattern, /):
        return array(list(self.values)) if pattern == b"*" else error("expected KEYS *")

    def do_dbsize(self, _, /):
        return b":%d\r\n" % len(self.values)

    def do_flushall(self, _, /):
        self.values.clear()
        return OK

    def do_ping(self, _, message=None, /):
        return b"+PONG\r\n" if message is None else bulk(message)

    def do_echo(self, _, message, /):
        return bulk(message)

    def do_select(self, _, number, /):
        return OK if number == b"0" else error("DB index is out of range")

    def do_command(self, /, *_):
        return array([])  # redis-cli asks for its help texts

    def do_client(self, /, *_):
        return OK  # libraries tell their names

    def do_config(self, /, *_):
        return array([])  # redis-benchmark asks how Redis is set up

    do_flushdb = do_flushall


app = App(__name__)
store = Store()


@app.tcp("127.0.0.1:6380")
async def resp(stream):
    async with Conversation(stream, RespCodec()) as talk:
        await talk.answer(store.run)


@app.get("/")
def index():
    return {"keys": len(store.values)}
