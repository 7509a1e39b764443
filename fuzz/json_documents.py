"""Fuzz target: arbitrary bytes are read as `json.loads` reads them, and the value is written as `json.dumps` writes it.

    PYTHONPATH=src python fuzz/json_documents.py [--seconds N] [--seed N]

Runs without a fuzzing engine, by mutation of a small corpus; an engine may call `target` itself.  Documented exceptions of `loads`:
ValueError (JSONDecodeError and UnicodeDecodeError are such) and RecursionError.  Anything else, and any difference, is a finding.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from typing import Any

from kolben.http.json import Encoder, loads

CORPUS = [
    b'{"id": 12, "name": "Z\xc3\xbcrich \\u00e9\\ud83d\\ude00", "tags": [true, false, null], "price": -12.50e-3}',
    b"[1e400, -0, -0.0, 18446744073709551616, 1.7976931348623157e308, 5e-324, NaN, -Infinity]",
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t \\udc00 \x7f"',
    '{"ключ": "значение 😀", "": {}}'.encode(),
    '\ufeff{"a": [1, 2.5]}'.encode("utf-16"),
    '["\ud800"]'.encode("utf-8", "surrogatepass"),
    b"[" * 70 + b"1" + b"]" * 70,
]
PIECES = [
    b'"',
    b"\\u",
    b"\\ud83d",
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b",",
    b"0",
    b"-",
    b"e",
    b".",
    b"\x00",
    b"\xed\xa0\x80",
    b"9" * 20,
    b"9" * 4301,
    b"a" * 4097,
]
MODES = [(ascii_only, sort) for ascii_only in (True, False) for sort in (True, False)]
ENCODERS = [(Encoder(ensure_ascii=ascii_only, sort_keys=sort), ascii_only, sort) for ascii_only, sort in MODES]


def read(reader: Any, data: bytes) -> tuple[bool, Any]:
    try:
        return True, reader(data)
    except (ValueError, RecursionError) as error:
        return False, (type(error), str(error))


def target(data: bytes) -> None:
    """Raise AssertionError for a difference; take anything."""
    read_by_us, ours = read(loads, data)
    read_by_json, theirs = read(json.loads, data)
    assert read_by_us == read_by_json, (data, ours, theirs)
    if not read_by_json:
        assert ours == theirs, (data, ours, theirs)
        return
    for encoder, ascii_only, sort in ENCODERS:
        text = json.dumps(theirs, ensure_ascii=ascii_only, sort_keys=sort)
        assert encoder.dumps(ours) == text, data
        try:
            expected = text.encode()
        except UnicodeEncodeError:
            continue
        assert encoder.dump_bytes(ours) == expected, data


def mutate(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randint(0, len(changed))
        piece = chance.choice([chance.choice(PIECES), chance.randbytes(1), b"", bytes(changed[place : place + chance.randint(0, 20)])])
        changed[place : place + chance.randint(0, 3)] = piece
    return bytes(changed)


def main() -> None:
    """Mutate until the time is over, keeping some of what could be read as seeds."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    chosen = options.parse_args()
    seconds, seed = chosen.seconds, chosen.seed
    chance = random.Random(seed)
    corpus = list(CORPUS)
    count = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutate(chance, chance.choice(corpus))
        target(data)
        count += 1
        if chance.random() < 0.05 and len(data) < 20_000 and read(json.loads, data)[0]:
            corpus.append(data)
            if len(corpus) > 500:
                del corpus[chance.randrange(len(CORPUS), 500)]
    print(f"{count} inputs, seed {seed}: no difference")


if __name__ == "__main__":
    main()
