"""The loop that every target shares: atheris where it is installed, else mutations by chance."""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST = 4096  # bytes of an input


def mutated(chance: random.Random, seeds: Sequence[bytes], pieces: Sequence[bytes]) -> bytes:
    """Return a seed of which some parts were changed, removed, doubled or replaced by telling pieces."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(6)):
        at = chance.randrange(len(data) + 1)
        to = at + chance.choice((0, 0, 1, 1, 2, 8))
        match chance.randrange(4):
            case 0:
                data[at:to] = bytes([chance.randrange(256)])
            case 1:
                data[at:to] = chance.choice(pieces)
            case 2:
                data[at:at] = data[at:to] * chance.choice((1, 2, 50))
            case _:
                other = chance.choice(seeds)
                data[at:to] = other[chance.randrange(len(other) + 1) :]
    return bytes(data[:LONGEST])


def run(check: Callable[[bytes], None], seeds: Sequence[bytes], pieces: Sequence[bytes]) -> None:
    """Give inputs to `check` for `--seconds`; the first one that raises is printed and ends the process with 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        _run_by_chance(check, seeds, pieces, options.seconds, options.seed)
        return
    import atheris

    atheris.Setup([sys.argv[0], f"-max_total_time={options.seconds:.0f}", f"-max_len={LONGEST}"], check)
    atheris.Fuzz()


def _run_by_chance(
    check: Callable[[bytes], None],
    seeds: Sequence[bytes],
    pieces: Sequence[bytes],
    seconds: float,
    seed: int | None,
) -> None:
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        data = mutated(chance, seeds, pieces)
        count += 1
        try:
            check(data)
        except Exception:
            print(f"input: {data!r}\nfound by --seed {seed}, input {count}", file=sys.stderr)
            raise
    print(f"{count} inputs, --seed {seed}: nothing found")
