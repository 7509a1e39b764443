"""Any call may fail: a part of what `make faults` tries, call by call (drive.py)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
COMPILER = next(filter(None, map(shutil.which, [os.environ.get("CC", "cc"), "gcc", "clang"])), None)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux" or COMPILER is None, reason="needs Linux, glibc and a C compiler"),
    pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer has its own malloc"),
]


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    built = tmp_path_factory.mktemp("faults") / "shim.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", built, HERE / "shim.c", "-ldl"], check=True)
    return built


def drive(shim, *options):
    """Run drive.py; what it found."""
    environment = os.environ | {"LD_PRELOAD": str(shim), "PYTHONMALLOC": "malloc", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, HERE / "drive.py", *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def each(option, names):
    return [f"--{option}={name}" for name in names.split()]


def test_system_calls_that_fail_once_leave_nothing_behind(shim):
    """Nothing crashes, every request is answered or cut, and the next one is answered."""
    calls = each("function", "recv send sendmsg epoll_wait epoll_ctl open write lseek")
    status, said = drive(shim, *calls, "--first", "--times=1", "--share=4", *each("exchange", "pipelined spooled large"))
    assert status == 0, said


def test_memory_that_runs_out_once_leaves_nothing_behind(shim):
    """A share of all mallocs of a request; `make faults` lets each of them fail, and many in a row."""
    status, said = drive(shim, "--function=malloc", "--times=1", "--share=15", *each("exchange", "pipelined tasks thread app"))
    assert status == 0, said
