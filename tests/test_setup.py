"""How the native modules are built: what cannot be built is refused with what to do."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(**environment):
    """What `setup.py build_ext` says when it ends at once."""
    command = [sys.executable, "setup.py", "--quiet", "build_ext"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


class TestBuild:
    def test_a_profiled_one_without_counts_says_what_makes_them(self, tmp_path):
        ended = build(KOLBEN_BUILD="profiled", KOLBEN_PROFILE=str(tmp_path))
        assert ended.returncode != 0
        assert f"expected counts of a training build in {tmp_path}, found none" in ended.stderr
        assert "tools/profile.sh" in ended.stderr

    def test_an_unknown_one_names_those_that_there_are(self):
        ended = build(KOLBEN_BUILD="fast")
        assert ended.returncode != 0
        assert "expected one of release, training, profiled, debug, asan, got 'fast'" in ended.stderr
