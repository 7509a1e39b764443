"""The yard around the house: commands, pins, fragments, and what may not stand in any file."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SCRIPTS = [ROOT / ".ci" / "run", ROOT / "bench" / "peers" / "setup.sh", *sorted((ROOT / "tools").glob("*.sh"))]
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.!+]*")
FRAGMENT = re.compile(r"[a-z0-9][a-z0-9_-]*\.(feature|change|fix|security)\.md")


def name_of(requirement):
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


def pins(name):
    lines = (ROOT / "constraints" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def doctor(**environment):
    """What tools/doctor.py says on a machine with this environment."""
    run = subprocess.run([sys.executable, "tools/doctor.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return run.returncode, run.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.relative_to(ROOT)))
def test_every_script_is_executable_and_bash_can_read_it(script):
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_every_script_that_make_calls_exists():
    for name in re.findall(r"tools/[\w.]+", (ROOT / "Makefile").read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("target", ["run", "test", "lint", "types", "bench", "judges", "asan", "fuzz", "docs", "build", "clean"])
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_has_every_promised_command(target):
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)


@pytest.mark.parametrize("name", ["build.txt", "dev.txt"])
def test_constraints_are_plain_names_and_versions(name):
    for pin in pins(name):
        assert PIN.fullmatch(pin), pin


def test_every_requirement_has_a_pin():
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = {name_of(line) for line in PROJECT["project"]["dependencies"]} | {name_of(line) for extra in extras for line in extra}
    assert wanted <= {name_of(pin) for pin in pins("dev.txt")}
    assert {name_of(line) for line in PROJECT["build-system"]["requires"]} <= {name_of(pin) for pin in pins("build.txt")}


def test_what_builds_is_pinned_to_one_version_everywhere():
    assert set(pins("build.txt")) <= set(pins("dev.txt"))


def test_every_fragment_of_the_changelog_has_a_kind_that_is_known():
    for path in (ROOT / "changes.d").iterdir():
        assert path.name in {"README.md", "template.md"} or FRAGMENT.fullmatch(path.name), path.name


def test_every_ignored_rule_of_the_linter_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = text.partition("[tool.ruff.lint]")[2].partition("ignore = [\n")[2].partition("\n]")[0]
    for line in ignored.splitlines():
        assert re.fullmatch(r'    "[A-Z]+\d*", +# .+', line), line


def test_every_line_that_is_ignored_by_a_checker_has_a_reason():
    """Behind the rule: `# noqa: X - why`, `# type: ignore[x]  # why`."""
    bare = re.compile(r"# (noqa|type: ignore)(: ?[A-Z0-9, ]+|\[[^]]*\])?\s*$")
    sources = [path for folder in ("src", "tests", "fuzz", "tools") for path in (ROOT / folder).rglob("*.py*") if "http1" not in path.parts]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources
        if path.suffix in {".py", ".pyi"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []


def test_every_exception_of_flasks_suite_has_a_reason():
    lines = (ROOT / "tests" / "conformance" / "flask_suite_exceptions.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert not line or line.startswith("#") or re.fullmatch(r"(\[native\] )?tests/\S+::\S+ +# .+", line), line


def test_the_doctor_is_content_with_the_machine_that_runs_this_suite():
    assert doctor(**os.environ) == (0, "")


def test_without_a_compiler_the_doctor_says_which_package_to_install():
    status, said = doctor(PATH="/nowhere", HOME="/nowhere")
    assert status == 1
    assert "no C compiler was found" in said
    assert "apt-get install gcc python3-dev" in said


def test_a_checkout_in_a_folder_with_spaces_says_the_same(tmp_path):
    there = tmp_path / "a folder with spaces"
    for name in ("tools/venv.sh", "tools/doctor.py", "setup.py"):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, there / name)
    path = tmp_path / "bin"
    path.mkdir()
    for name in ("bash", "dirname", "sed", "find", "sort", "tr", "env", "rm"):
        (path / name).symlink_to(shutil.which(name))
    (path / "python3").symlink_to(sys.executable)
    run = subprocess.run(
        [there / "tools" / "venv.sh"], env={"PATH": str(path), "PYTHON": sys.executable}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("\nkolben: no C compiler was found")
    assert not (there / ".venv").exists()


@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="not a checkout")
def test_no_file_names_a_folder_of_one_machine():
    """A path or an address that holds only where it was written has no place in the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    machine = re.compile(rb"/(?:work|tmp/kwt)/|/root/|/home/\w|files\.pythonhosted|/simple/?\b(?=\s)")
    found = [
        name.decode()
        for name in listed.stdout.split(b"\0")
        if name
        and name != b"tests/test_yard.py"
        and (ROOT / name.decode()).is_file()
        and machine.search((ROOT / name.decode()).read_bytes())
    ]
    assert found == []


def jumps_out_of_handlers(source):
    """The numbers of lines of Cython where a `return`, `break` or `continue` leaves an except clause."""
    blocks = []  # what the line stands in, outermost first: (indent, kind)
    for number, line in enumerate(source.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        while blocks and indent <= blocks[-1][0]:
            blocks.pop()
        head, _, rest = line.partition(":")
        jump = next((word for word in (words[0], *rest.split()[:1]) if word in {"return", "break", "continue"}), None)
        if head.split()[0] in {"except", "for", "while"}:
            blocks.append((indent, words[0].rstrip(":")))
        kinds = [kind for _, kind in blocks]
        inner = kinds[kinds.index("except") :] if "except" in kinds else []
        if inner and (jump == "return" or (jump and not {"for", "while"} & set(inner))):
            yield number


def test_no_native_code_jumps_out_of_an_except_clause():
    """Cython 3.3 releases the traceback there without looking, and there is none where no memory was left for it: a crash."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "src").rglob("*.pyx")
        for number in jumps_out_of_handlers(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("jump", ["return 1", "break", "continue", "if x:\n            return"])
def test_a_jump_out_of_an_except_clause_is_found(jump):
    head = "while x:\n    try:\n        f()\n    except E"
    assert list(jumps_out_of_handlers(f"{head}:\n        {jump}\n")) == [4 + len(jump.splitlines())]
    assert list(jumps_out_of_handlers(f"{head}:\n        pass\n    {jump}\n")) == []
    assert "\n" in jump or list(jumps_out_of_handlers(f"{head}: {jump}\n")) == [4]
    assert "\n" in jump or (jump == "return 1") == any(jumps_out_of_handlers(f"{head}:\n        for y in x:\n            {jump}\n"))
