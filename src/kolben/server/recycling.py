"""When a worker has served long enough: after so many requests, so long a time, or when it has grown so large."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["Recycling", "memory_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recycling:
    """The limits of one worker's life; 0 is none.

    Attributes:
        requests: How many it answers.
        age: Seconds since its start.
        memory: Bytes that it holds (resident set).
        jitter: By what part the first two differ at most from worker to worker, so that they do not all end together.
    """

    requests: int = 0
    age: float = 0.0
    memory: int = 0
    jitter: float = 0.1

    def jittered(self) -> Recycling:
        """Return the limits of one worker."""
        factor = 1 + random.uniform(-self.jitter, self.jitter)  # noqa: S311 - not a secret
        return replace(self, requests=round(self.requests * factor), age=self.age * factor)

    def reason(self, requests: int, age: float, pid: int) -> str | None:
        """Say why a worker with these numbers is to be relieved; None if it is not."""
        if self.requests and requests >= self.requests:
            return f"{requests} requests"
        if self.age and age >= self.age:
            return f"{age:.0f} s"
        if self.memory and (held := memory_of(pid)) >= self.memory:
            return f"{held} bytes of memory"
        return None


def memory_of(pid: int) -> int:
    """Return the bytes of a process's resident set; 0 where that is not known."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
