"""The chunked coding: no crash, no exception but the documented ones, no dependence on cuts, no difference to the grammar.

Documented exceptions: RemoteProtocolError and its LimitExceeded.  The grammar stands in tests/models/chunked_body.py.
"""

import sys
from pathlib import Path

from _mutate import run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.models import chunked_body
from tests.properties.test_wire_chunk import PIECES
from tests.wire.test_chunk import BAD, GOOD, bytewise, decode


def check(data: bytes) -> None:
    seen = decode(data, limit=0)
    taken = seen if isinstance(seen[0], bytes) and seen[1] is not None else None
    if taken != chunked_body.decode(data):
        raise AssertionError(f"read as {taken}, the grammar says {chunked_body.decode(data)}")
    if bytewise(data, limit=0) != seen:
        raise AssertionError(f"cuts change {seen}")


if __name__ == "__main__":
    run(check, [*GOOD, *BAD], PIECES)
