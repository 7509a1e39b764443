"""The HTTP/1 judge (http1/README.md) against `kolben run`, with our defaults: what a user gets without tuning."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

JUDGE = Path(__file__).parent / "http1" / "run.py"
pytestmark = pytest.mark.conformance


def judge(target, directory, *options):
    """Let the judge speak; gives its summary after it found nothing that counts as a failure."""
    report = directory / "report.json"
    run = subprocess.run(
        [sys.executable, str(JUDGE), "--target", target, "--json", str(report), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    return json.loads(report.read_text())["summary"], run.stdout


@pytest.mark.timeout(240)
def test_no_case_fails_whole_or_byte_by_byte(judged_server, tmp_path):
    summary, said = judge(judged_server, tmp_path, "--verbose")
    assert summary["missing"] == [], "the application offers the whole contract, so no case is skipped"
    assert summary["lint"] == {}, said
    assert summary["lenient"] == 0, said
    assert summary["died"] == [], said


@pytest.mark.timeout(240)
def test_no_case_fails_behind_workers(judged_workers, tmp_path):
    summary, said = judge(judged_workers, tmp_path, "--verbose")
    assert summary["lenient"] == 0, said
    assert summary["died"] == [], said


@pytest.mark.timeout(480)
def test_no_cut_at_any_offset_changes_the_meaning_of_a_valid_request(judged_server, tmp_path):
    summary, said = judge(judged_server, tmp_path, "--splits", "all")
    assert summary["split_differs"] == 0, said


@pytest.mark.timeout(240)
def test_every_slow_client_is_ended_by_a_deadline(judged_server, tmp_path):
    """RELIABILITY: header 10 s, body 20 s without a byte, keep-alive 15 s; the judge watches each for 70 s."""
    summary, said = judge(judged_server, tmp_path, "--slow", "70", "--only", "^slow$")
    assert summary["cases"] > 0
    assert summary["no_limit"] == 0, said
