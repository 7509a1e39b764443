#!/usr/bin/env python3
"""How soon Kolben is there, beside Flask: `import`, and the first answer of `kolben run hello.py` beside `flask run`.

    make bench, or .venv/bin/python bench/start.py [--quick]

Interleaved A B A B, medians.  Import is CPU time (user + system) less that of an interpreter that imports nothing; the first
answer is the time on the clock from starting the process to the last byte of its 200.  Exits 1 when Kolben is the later one.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NEVER = "asyncio", "uvloop", "jinja2", "msgspec"  # what `import kolben` does not import
SLACK = 1.02  # medians of equal things differ by so much
APPS = {
    "kolben": "from kolben import App\napp = App(__name__)\n",
    "flask": "from flask import Flask\napp = Flask(__name__)\n",
}
VIEW = "\n@app.route('/')\ndef hello():\n    return 'Hello World!'\n"
COMMANDS = {
    "kolben": ["-m", "kolben", "run", "--port", "{port}", "{file}"],
    "flask": ["-m", "flask", "--app", "{file}", "run", "--port", "{port}"],
}


def cpu_seconds(code):
    """User + system time of an interpreter that runs `code`."""
    child = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"bench/start.py: `{code}` failed")
    return usage.ru_utime + usage.ru_stime


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(port):
    """Whether GET / is answered with 200, whole."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as conn:
        conn.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        got = b""
        while part := conn.recv(4096):
            got += part
        return got.startswith(b"HTTP/1.1 200") and got.endswith(b"Hello World!")
    return False


def first_answer(name, directory):
    """Seconds from starting the command to its first answer."""
    file, port = directory / f"{name}_hello.py", free_port()
    file.write_text(APPS[name] + VIEW)
    command = [sys.executable, *(part.format(port=port, file=file) for part in COMMANDS[name])]
    begin = time.perf_counter()
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        while not answer(port):
            if process.poll() is not None or time.perf_counter() - begin > 20:
                raise SystemExit(f"bench/start.py: {' '.join(command)}:\n{(directory / f'{name}.log').read_text()[-2000:]}")
            time.sleep(0.001)
        return time.perf_counter() - begin
    finally:
        process.kill()
        process.wait()


def imports(rounds):
    """Print CPU milliseconds of both imports; gives Kolben's as a multiple of Flask's."""
    codes = {"nothing": "pass", "kolben": "import kolben", "flask": "import flask"}
    times = {name: [] for name in codes}
    for number in range(rounds + 1):  # the first writes .pyc files
        for name, code in codes.items():
            seconds = cpu_seconds(code)
            if number:
                times[name].append(seconds)
    base = statistics.median(times["nothing"])
    ms = {name: (statistics.median(of) - base) * 1000 for name, of in times.items()}
    ratio = ms["kolben"] / ms["flask"]
    print(f"import        kolben {ms['kolben']:7.1f} ms   flask {ms['flask']:7.1f} ms   {ratio:.2f} of flask's (bar 1)")
    return ratio


def needless():
    """Modules that `import kolben` brings in and should not."""
    code = f"import sys, kolben; print(*(name for name in {NEVER!r} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    if found:
        print(f"`import kolben` imports {', '.join(found)}, which a user may not need")
    return found


def answers(rounds):
    """Print milliseconds to both first answers; gives Kolben's as a multiple of Flask's."""
    times = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as directory:
        for number in range(rounds + 1):
            for name, of in times.items():
                seconds = first_answer(name, Path(directory))
                if number:
                    of.append(seconds)
    ms = {name: statistics.median(of) * 1000 for name, of in times.items()}
    ratio = ms["kolben"] / ms["flask"]
    print(f"first answer  kolben {ms['kolben']:7.1f} ms   flask {ms['flask']:7.1f} ms   {ratio:.2f} of flask's (bar 1)")
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 21")
    rounds = 5 if parser.parse_args().quick else 21
    late = [imports(rounds) > SLACK, bool(needless()), answers(rounds) > SLACK]
    return 1 if any(late) else 0


if __name__ == "__main__":
    sys.exit(main())
