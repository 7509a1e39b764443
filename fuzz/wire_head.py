"""Request heads: no crash, no exception but the documented ones, no dependence on cuts, no difference to h11 without a reason.

Documented exceptions: RemoteProtocolError and its LimitExceeded.  The reasons stand in tests/models/h11_view.py.
"""

import random
import sys
import zlib
from itertools import pairwise
from pathlib import Path

from _mutate import run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.models.h11_view import disagreement
from tests.properties.test_wire_h11 import BODIES, FIELDS, METHODS, TARGETS, VERSIONS
from tests.wire.reading import read
from tests.wire.test_head import BROWSER, REQUESTS

PIECES = [
    *METHODS,
    *TARGETS,
    *VERSIONS,
    *(field + b"\r\n" for field in FIELDS),
    *BODIES,
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"\0",
    b",",
]


def check(data: bytes) -> None:
    whole = read(data)
    chance = random.Random(zlib.crc32(data))
    cuts = [0, *sorted(chance.randrange(len(data) + 1) for _ in range(3)), len(data)]
    pieces = [data[a:b] for a, b in pairwise(cuts) if a < b]
    if read(*pieces) != whole:
        raise AssertionError(f"cuts at {cuts} change {whole}")
    if found := disagreement(data):
        raise AssertionError(found)


if __name__ == "__main__":
    run(check, [*REQUESTS.values(), BROWSER], PIECES)
