"""Builds the native modules.  What they are stands in pyproject.toml's project; how they are built stands here.

KOLBEN_BUILD  release (default) | training | profiled | debug | asan: see FLAGS
KOLBEN_PROFILE  folder of what a training build has counted, for a profiled one (default: build/profile); tools/profile.sh makes it
KOLBEN_ONLY   names separated by commas: build only native modules whose dotted name starts with one of them
KOLBEN_JOBS   how many C compilers run at once (default: one for every usable core)
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
SRC = Path("src")
BUILD = os.environ.get("KOLBEN_BUILD", "release")
USABLE_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
JOBS = int(os.environ.get("KOLBEN_JOBS", USABLE_CORES))
COMPILERS = ("cc", "gcc", "clang")
PROFILE = Path(os.environ.get("KOLBEN_PROFILE", HERE / "build" / "profile")).absolute()
RELEASE = ["-O3", "-g0", "-fno-semantic-interposition", "-fvisibility=hidden", "-fno-plt"]
FLAGS = {
    "release": RELEASE,
    # As CPython's own builds: one that counts how often each branch is taken, and one that lays the machine code out accordingly.
    "training": [*RELEASE, "-fprofile-generate", "-fprofile-update=prefer-atomic"],
    "profiled": [*RELEASE, "-fprofile-use", "-fprofile-correction", "-fprofile-partial-training", "-Wno-missing-profile"],
    "debug": ["-O1", "-g", "-UNDEBUG"],
    "asan": ["-O1", "-g", "-UNDEBUG", "-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"],
}
LINK_FLAGS = {"training": ["-fprofile-generate"], "asan": ["-fsanitize=address,undefined"]}
UNCHECKED = {"release", "training", "profiled"}  # the same C, of the same name: a profile is by function and line
CHECKS = {"nonecheck": True}  # not overflowcheck: Cython miscompiles differences of pointers with it; overflow is for UBSan to find
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
    """Each `_name.pyx` under src is one extension module of that name."""
    only = tuple(filter(None, os.environ.get("KOLBEN_ONLY", "").split(",")))
    for path in sorted((HERE / SRC).rglob("_*.pyx")):
        source = path.relative_to(HERE)
        name = ".".join(source.relative_to(SRC).with_suffix("").parts)
        if not only or name.startswith(only):
            yield Extension(name, [str(source)])


class BuildNative(build_ext):
    """Adds the flags, and puts what a training build has counted where the compiler looks for it: beside the object, of the same name.

    GCC knows a function by its line in the C, and a static one by the object's path from the working directory, too.  So the C of a
    training build and of a profiled one is the same: Cython, which writes an extension's flags into its first lines, is not given them.
    """

    def build_extension(self, ext):
        ext.extra_compile_args = [*FLAGS[BUILD], "-D_GNU_SOURCE", "-Wno-unused-function"]
        ext.extra_link_args = LINK_FLAGS.get(BUILD, [])
        counts = PROFILE / f"{ext.name}.gcda"
        if BUILD == "profiled" and counts.is_file():  # a module that was not trained is compiled without
            target = Path(self.compiler.object_filenames(ext.sources, output_dir=self.build_temp)[0])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(counts, target.with_suffix(".gcda"))
        super().build_extension(ext)


def ensure_compiler():
    """Find a C compiler and Python's headers, or say what to install; take another compiler where Python's own is not here."""
    configured = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    found = next(filter(shutil.which, (configured, *COMPILERS)), None)
    if found is None or not Path(sysconfig.get_path("include"), "Python.h").is_file():
        raise SystemExit(NO_COMPILER)
    if found != configured:
        os.environ["CC"] = found


def extensions():
    """Compile .pyx to C; setuptools compiles that on."""
    if sys.platform == "win32":
        raise SystemExit(WINDOWS)
    if BUILD not in FLAGS:
        raise SystemExit(f"KOLBEN_BUILD: expected one of {', '.join(FLAGS)}, got {BUILD!r}")
    if BUILD == "profiled" and not any(PROFILE.glob("*.gcda")):
        raise SystemExit(f"KOLBEN_BUILD=profiled: expected counts of a training build in {PROFILE}, found none\n  Do: tools/profile.sh")
    ensure_compiler()
    from Cython.Build import cythonize  # a build dependency: not there when only metadata is asked for

    return cythonize(
        list(native_modules()),
        include_path=[str(SRC)],
        nthreads=JOBS,
        # C of one build must not be taken for that of another: their directives differ
        build_dir=f"build/cython/{'release' if BUILD in UNCHECKED else BUILD}",
        compiler_directives={
            "language_level": 3,
            "freethreading_compatible": False,
            **({} if BUILD in UNCHECKED else CHECKS),
        },
    )


if __name__ == "__main__":  # also when pip builds; not in the processes that cythonize starts
    setup(
        ext_modules=extensions() if not {"egg_info", "--version"} & set(sys.argv[1:2]) else [],
        cmdclass={"build_ext": BuildNative},
        options={"build_ext": {"parallel": JOBS}},
    )
