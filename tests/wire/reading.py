"""What a test sees of bytes: the events, or the refusal, however they were cut."""

from kolben.base import Limits, RemoteProtocolError
from kolben.wire import CLOSED, NEED_DATA, PAUSED, BodyChunk, H1Receiver, RequestHead

HOST = b"Host: example.org\r\n"
CUT_LIMIT = 1000  # bytes of a message that is cut at every position
NO_LIMITS = Limits(request_line=0, head=0, field_count=0, body=0)


def read(*pieces: bytes, limits: Limits | None = None) -> list[object]:
    """Return heads, bodies (bytes, joined) and, at the end, the refusal as (status, message)."""
    receiver = H1Receiver(limits)
    seen: list[object] = []
    try:
        for piece in pieces:
            receiver.receive_data(piece)
            _drain(receiver, seen)
    except RemoteProtocolError as error:
        seen.append((error.status, str(error)))
    return seen


def _drain(receiver: H1Receiver, seen: list[object]) -> None:
    while (event := receiver.next_event()) not in {NEED_DATA, CLOSED}:
        if event is PAUSED:
            receiver.start_next_message()
        elif isinstance(event, BodyChunk):
            seen[-1] += event.data
        elif isinstance(event, RequestHead):
            seen += [event, b""]


def bytewise(data: bytes, limits: Limits | None = None) -> list[object]:
    return read(*[data[i : i + 1] for i in range(len(data))], limits=limits)


def status(*pieces: bytes, limits: Limits | None = None) -> int | None:
    """Return with what the bytes are refused, or None.

    A message given whole is read byte by byte and cut at every position as well, and has to mean the same each time.
    """
    seen = read(*pieces, limits=limits)
    if len(pieces) == 1 and len(pieces[0]) <= CUT_LIMIT:
        data = pieces[0]
        assert bytewise(data, limits) == seen
        for cut in range(1, len(data)):
            assert read(data[:cut], data[cut:], limits=limits) == seen, f"cut at {cut}"
    return seen[-1][0] if seen and isinstance(seen[-1], tuple) else None


def head(data: bytes, limits: Limits | None = None) -> RequestHead:
    """Return the only head in the bytes."""
    event, _ = read(data, limits=limits)
    assert isinstance(event, RequestHead)
    return event


def with_fields(*lines: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """Return a request that has a Host and these field lines."""
    return method + b" / HTTP/" + version + b"\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def chunked(body: bytes) -> bytes:
    """Return a request whose body on the wire is `body`."""
    return with_fields(b"Transfer-Encoding: chunked", method=b"POST") + body
