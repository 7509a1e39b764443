"""Kolben in a process of its own, for the measurements beside this file."""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

PATIENCE = 20  # seconds


class Served:
    """A server on a free port of loopback: what a file of an app, or its text, gives.

    Args:
        app: The file, or the text of one.
        before: What stands before the command, such as `taskset`.
        command: Kolben's, with its options.
    """

    def __init__(self, app: Path | str, *, before: tuple[str, ...] = (), command: tuple[str, ...] = ("run",)) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="kolben-bench-")
        self.log = Path(self.folder.name) / "log"
        if isinstance(app, str):
            text, app = app, Path(self.folder.name) / "app.py"
            app.write_text(text)
        with socket.create_server(("127.0.0.1", 0)) as chosen:
            self.port = chosen.getsockname()[1]
        words = [*before, sys.executable, "-m", "kolben", *command, "--port", str(self.port), str(app)]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.pid = self.process.pid
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        log = self.log.read_text()[-2000:]
        self.stop()
        raise SystemExit(f"{Path(sys.argv[0]).name}: the server did not start:\n{log}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server, and take its files away."""
        self.process.terminate()  # a supervisor ends its workers
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
