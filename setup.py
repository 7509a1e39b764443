"""Builds the native modules.  What they are stands in pyproject.toml's project; how they are built stands here.

KOLBEN_BUILD  release (default) | debug | asan: see FLAGS
KOLBEN_ONLY   names separated by commas: build only native modules whose dotted name starts with one of them
KOLBEN_JOBS   how many C compilers run at once (default: every usable core)
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup

HERE = Path(__file__).resolve().parent
SRC = Path("src")
BUILD = os.environ.get("KOLBEN_BUILD", "release")
FLAGS = {
    "release": ["-O3", "-fno-semantic-interposition", "-fvisibility=hidden"],
    "debug": ["-O1", "-g", "-UNDEBUG"],
    "asan": ["-O1", "-g", "-UNDEBUG", "-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"],
}
CHECKS = {"nonecheck": True, "overflowcheck": True}
NO_COMPILER = """
kolben: no C compiler was found, and this is a source build.
  Expected: `cc`, `gcc` or `clang` on PATH, and Python's headers.
  Do:       Debian, Ubuntu   apt-get install gcc python3-dev
            Fedora, RHEL     dnf install gcc python3-devel
            Alpine           apk add gcc musl-dev python3-dev linux-headers
            macOS            xcode-select --install
  Or install a wheel, which needs no compiler:  pip install --only-binary kolben kolben
"""
WINDOWS = """
kolben: Windows is not supported.
  Do: install WSL (run `wsl --install` in an administrator's PowerShell) and use Kolben inside it.
"""


def native_modules():
    only = tuple(filter(None, os.environ.get("KOLBEN_ONLY", "").split(",")))
    for path in sorted((HERE / SRC).rglob("_*.pyx")):
        source = path.relative_to(HERE)
        name = ".".join(source.relative_to(SRC).with_suffix("").parts)
        if not only or name.startswith(only):
            yield Extension(
                name,
                [str(source)],
                extra_compile_args=[*FLAGS[BUILD], "-D_GNU_SOURCE", "-Wno-unused-function"],
                extra_link_args=["-fsanitize=address,undefined"] if BUILD == "asan" else [],
            )


def extensions():
    if sys.platform == "win32":
        raise SystemExit(WINDOWS)
    if BUILD not in FLAGS:
        raise SystemExit(f"KOLBEN_BUILD: expected one of {', '.join(FLAGS)}, got {BUILD!r}")
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if not any(shutil.which(name) for name in (compiler, "cc", "gcc", "clang")):
        raise SystemExit(NO_COMPILER)
    from Cython.Build import cythonize  # a build dependency: not there when only metadata is asked for

    return cythonize(
        list(native_modules()),
        include_path=[str(SRC)],
        build_dir="build/cython",
        nthreads=int(os.environ.get("KOLBEN_JOBS", "1")),
        compiler_directives={
            "language_level": 3,
            "freethreading_compatible": False,
            **({} if BUILD == "release" else CHECKS),
        },
    )


setup(ext_modules=extensions() if not {"egg_info", "--version"} & set(sys.argv[1:2]) else [])
