"""Every limit and every deadline of the server, in one place: unit, default and reason.

Zero switches a limit or a deadline off, where nothing else is said.
"""

from dataclasses import dataclass

__all__ = ["Limits", "Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of anything a peer may make the server hold.

    Attributes:
        request_line: Bytes of the request line; beyond it 414 (RFC 9112, section 3).
        head: Bytes of the field lines of one head; and again of all that a chunked body has beside its data, its chunk extensions
            and trailers counted together; beyond it 431 (RFC 6585, section 5).
        field_count: Field lines of one head; beyond it 431.
        body: Bytes of one body, out of its chunks; beyond it 413.  Flask's own limits act later, when the body is asked for.
        body_memory: Bytes of a body that stay in memory; what is beyond goes to a temporary file.  Of a body that is read while it
            comes (`stream=True`), bytes that are held for who reads; beyond it the peer waits.
        spool: Bytes in the temporary files of all requests together; a body that does not fit now is refused with 507, one that never
            can with 413.
        requests_per_connection: Answers on one connection before it is closed.
        output: Bytes waiting to be sent on one connection above which a lazy body waits (the high-water mark).
        lingering: Bytes that are read and dropped after a refusal, so that the answer is not lost to a reset (RFC 9112, section 9.6).
        connections: Open connections; more wait in the kernel's queue.
        connections_per_address: Open connections of one peer, an IPv4 address or an IPv6 network of 64 bits; more are answered with 503
            and closed.  The machine itself and trusted proxies may have more.
        backlog: Length of that queue.
        threads: Threads that run sync views; 1 or more.
        stream_threads: Threads that run the rest of a sync view's lazy body.
        connection_threads: Threads that run sync services, one for each connection; more connections wait in the kernel's queue.
        queue: Requests that wait for a thread; beyond it 503 with Retry-After.
    """

    request_line: int = 8 * 1024
    head: int = 32 * 1024
    field_count: int = 100
    body: int = 16 * 1024 * 1024
    body_memory: int = 128 * 1024
    spool: int = 4 * 1024 * 1024 * 1024
    requests_per_connection: int = 1000
    output: int = 64 * 1024
    lingering: int = 1024 * 1024
    connections: int = 65536
    connections_per_address: int = 1024
    backlog: int = 2048
    threads: int = 40
    stream_threads: int = 200
    connection_threads: int = 200
    queue: int = 1024

    def __post_init__(self) -> None:
        """Refuse what would serve nobody."""
        if self.threads < 1:
            raise ValueError(f"limits.threads: expected 1 or more, got {self.threads}: views that may block run in these threads")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long the server waits for anything, in seconds.

    Attributes:
        first_byte: From accept to the first byte of the first request.
        head: From the first byte of a head to its last.
        body: Without one byte of a body that is expected.
        body_grace: After so long, a body must come at `body_rate` or faster.
        body_rate: Bytes a second (not seconds); also of an answer, over `write`, where the peer reads little of it.
        view: From when a request may run, its body being here, to its response: then 504, or 503 if it had no thread yet.  0: any time.
            A route's `timeout=` goes before it.
        write: Without progress of an answer that the peer does not read.
        keep_alive: Between an answer and the next request.
        lingering: For reading and dropping after a refusal.
        queue: That a request may wait for a thread, or (2 s at most) for its turn; then the server is behind, and refuses with 503 and
            Retry-After at once, until it has had some rest, whoever could not be answered soon.
        graceful: For what runs when the server is asked to stop; 0 cuts it at once.
    """

    first_byte: float = 10.0
    head: float = 10.0
    body: float = 20.0
    body_grace: float = 20.0
    body_rate: float = 500.0
    view: float = 0.0
    write: float = 30.0
    keep_alive: float = 15.0
    lingering: float = 2.0
    queue: float = 5.0
    graceful: float = 30.0
