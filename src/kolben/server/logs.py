"""Where the server's log goes and how it looks: lines for a person at a terminal, JSON for everything else.

One logger, `kolben`, has one handler; `kolben.server`, `kolben.access` and `kolben.routes` are its branches.

SECURITY: what is logged may hold what a peer sent.  No control character reaches a terminal or a file as itself, and no message can
look like a second one: in text its further lines are indented, in JSON there is one line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

__all__ = ["JSONFormatter", "LogFile", "TextFormatter", "set_up_logs"]

COLOURS = {"DEBUG": "\x1b[2m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}
RESET = "\x1b[0m"
# C0 and C1 controls but for the line feed, which is dealt with apart; and the separators that some programs end a line at.
ESCAPES: Mapping[int, str] = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != ord("\n")},
    ord("\t"): "\\t",
    ord("\r"): "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


class TextFormatter(logging.Formatter):
    """A line for a person: time, level if it is not INFO, message."""

    def __init__(self, *, colours: bool = False) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Write one record; the lines of a traceback stand indented below."""
        stamp = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        text = f"{stamp} [{record.process}] {level}{message_of(record)}".translate(ESCAPES).replace("\n", "\n    ")
        colour = COLOURS.get(record.levelname, "") if self._colours else ""
        return f"{colour}{text}{RESET}" if colour else text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the message alone."""
        return record.getMessage()


class JSONFormatter(logging.Formatter):
    """One JSON object in one line; what a record was given as `facts` becomes members of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
        }
        facts = getattr(record, "facts", None)
        if facts is None:
            line["message"] = record.getMessage()
        else:
            line.update(facts)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def message_of(record: logging.LogRecord) -> str:
    """Return the message, with the traceback below it if there is one."""
    text = record.getMessage()
    if record.exc_info and record.exc_info[0] is not None:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    return text


class LogFile(logging.StreamHandler[TextIO]):
    """Writes to a file that can be moved away: `reopen` begins a new one at the same path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(path.open("a", encoding="utf-8"))

    def close(self) -> None:
        """Close the file, too."""
        super().close()
        self.stream.close()

    def reopen(self) -> None:
        """Go on in a new file.  If it cannot be opened, the old one stays in use."""
        try:
            stream = self.path.open("a", encoding="utf-8")
        except OSError:
            logging.getLogger("kolben.server").exception("The log file %s cannot be opened again", self.path)
            return
        old = self.setStream(stream)
        if old is not None:
            old.close()


def set_up_logs(*, form: str | None = None, path: Path | None = None, level: int = logging.INFO) -> logging.Handler:
    """Give the logger `kolben` its one handler, and return it.

    Args:
        form: "text" or "json"; None: text if a person looks on.
        path: A file instead of standard error.
        level: What is less is not written.
    """
    handler: logging.Handler = LogFile(path) if path else logging.StreamHandler(sys.stderr)
    is_terminal = path is None and sys.stderr.isatty()
    if form is None:
        form = "text" if is_terminal else "json"
    colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    handler.setFormatter(JSONFormatter() if form == "json" else TextFormatter(colours=colours))
    logger = logging.getLogger("kolben")
    for old in logger.handlers[:]:
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    return handler
