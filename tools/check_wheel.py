"""Looks at an installed Kolben: every native module is compiled and imports, and types and declarations came along."""

import importlib
import importlib.machinery
import importlib.metadata
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "kolben"


def missing(installed: Path) -> list[str]:
    """Files that stand in the source and must stand beside what was installed."""
    wanted = [path.relative_to(SOURCE) for pattern in ("*.pyi", "*.pxd", "*.py", "py.typed") for path in sorted(SOURCE.rglob(pattern))]
    return [str(path) for path in wanted if not (installed / path).is_file()]


def uncompiled() -> list[str]:
    """Native modules that did not arrive as machine code."""
    found = []
    for path in sorted(SOURCE.rglob("_*.pyx")):
        name = ".".join(("kolben", *path.relative_to(SOURCE).with_suffix("").parts))
        file = importlib.import_module(name).__file__ or ""
        if not file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
            found.append(name)
    return found


def main() -> int:
    """Print one line per fault, or one that tells what was found."""
    kolben = importlib.import_module("kolben")
    installed = Path(kolben.__file__ or "").parent
    if installed == SOURCE:
        sys.stderr.write("check_wheel: expected an installed kolben, got the source tree\n")
        return 1
    faults = [f"not installed: {name}" for name in missing(installed)] + [f"not compiled: {name}" for name in uncompiled()]
    for fault in faults:
        sys.stderr.write(f"check_wheel: {fault}\n")
    if not faults:
        sys.stdout.write(f"kolben {importlib.metadata.version('kolben')}: all there\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
