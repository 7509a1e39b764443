"""How many processors this process may use: what the scheduler lets it, and what its control group pays for."""

from __future__ import annotations

import os
from contextlib import suppress
from math import ceil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["usable_cpus"]

ROOT = Path("/")


def usable_cpus(root: Path = ROOT) -> int:
    """Return it, 1 or more; a quota of one and a half processors makes two."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [ceil(quota) for quota in cgroup_quotas(root)]
    return max(1, min([cpus, *quotas]))


def cgroup_quotas(root: Path) -> Iterator[float]:
    """Yield the quotas, in processors, of the control groups that this process is in, and of those above them.

    `/proc/self/cgroup` names the group of version 2 as `0::/path`, and that of version 1 as `4:cpu,cpuacct:/path`.
    """
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield from quotas_above(root / "sys/fs/cgroup", path, read_version_2)
            elif "cpu" in controllers.split(","):
                yield from quotas_above(root / "sys/fs/cgroup/cpu", path, read_version_1)


def quotas_above(mount: Path, path: str, read: Callable[[Path], float | None]) -> Iterator[float]:
    """Yield the quotas of a group and of its ancestors; in a container the path may be the host's, and only the mount is ours."""
    group = PurePosixPath(path.lstrip("/"))
    for folder in (group, *group.parents):
        if ".." not in folder.parts:
            with suppress(OSError, ValueError, IndexError):
                if quota := read(mount / folder):
                    yield quota


def read_version_2(folder: Path) -> float | None:
    """Read `cpu.max`: "150000 100000" is one and a half, "max 100000" is all."""
    quota, period = (folder / "cpu.max").read_text("ascii").split()
    return None if quota == "max" else int(quota) / int(period)


def read_version_1(folder: Path) -> float | None:
    """Read `cpu.cfs_quota_us`, -1 for none, and `cpu.cfs_period_us`."""
    quota = int((folder / "cpu.cfs_quota_us").read_text("ascii"))
    return quota / int((folder / "cpu.cfs_period_us").read_text("ascii")) if quota > 0 else None
