"""`kolben serve`, the same as `kolben run --prod`: the server with the production profile, workers and their supervisor."""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from kolben.base.errors import UsageError
from kolben.cli.environment import is_set, load_files
from kolben.cli.options import SWITCH, Options, number, parse
from kolben.cli.run import OPTIONS as RUN_OPTIONS
from kolben.cli.run import binds_of
from kolben.server.proxies import parse_trust

if TYPE_CHECKING:
    from kolben.net import Listener
    from kolben.server.supervisor import Supervisor

__all__ = ["PID_FILE", "command", "read_options"]

MEBIBYTE = 1024 * 1024
PID_FILE = "KOLBEN_PID_FILE"  # the variable that names one where --pid-file does not
DEVELOPMENT = {("--debug",), ("--debugger",), ("--prod",), ("--reload",)}
seconds = number(0, 30 * 24 * 3600)

OPTIONS: Options = {
    **{flags: settings for flags, settings in RUN_OPTIONS.items() if flags not in DEVELOPMENT},
    ("--workers", "-w"): {"type": number(1, 200), "metavar": "N", "help": "processes that serve (as many as there are CPUs to use)"},
    ("--pid-file",): {"metavar": "PATH", "help": f"where `kolben reload` finds the server ({PID_FILE})"},
    ("--ready-path",): {"metavar": "PATH", "help": "what a new worker must answer with 2xx or 3xx before it serves, such as /healthz"},
    ("--start-limit",): {"type": seconds, "default": 60, "metavar": "SECONDS", "help": "until a worker must be ready (60)"},
    ("--hang-limit",): {
        "type": seconds,
        "default": 60,
        "metavar": "SECONDS",
        "help": "that a worker's loop may stand still (60; 0: for ever)",
    },
    ("--graceful",): {"type": seconds, "metavar": "SECONDS", "help": "for what runs when a worker ends (timeouts.graceful, 30)"},
    ("--max-requests",): {"type": number(0, 10**9), "default": 0, "metavar": "N", "help": "that a worker answers before it is relieved"},
    ("--max-age",): {"type": seconds, "default": 0, "metavar": "SECONDS", "help": "that a worker lives before it is relieved"},
    ("--max-memory",): {"type": number(0, 10**7), "default": 0, "metavar": "MIB", "help": "that a worker holds before it is relieved"},
    ("--proxy",): {"metavar": "NETWORKS", "help": "whose X-Forwarded-For and -Proto are believed: 10.0.0.0/8,unix (nobody's)"},
    ("--proxy-forwarded",): {"action": "store_true", "help": "those proxies write Forwarded (RFC 7239) instead"},
    ("--proxy-host",): {"action": "store_true", "help": "those proxies set X-Forwarded-Host, which is believed, too"},
    ("--proxy-prefix",): {"action": "store_true", "help": "those proxies set X-Forwarded-Prefix, and take that prefix off the path"},
    ("--security-fields",): {"action": SWITCH, "default": True, "help": "nosniff, frame options and referrer policy in every answer"},
    ("--content-policy",): {
        "metavar": "POLICY",
        "help": "a Content-Security-Policy for every answer; 'nonce-{nonce}' in it is csp_nonce()",
    },
    ("--server-field",): {"action": SWITCH, "default": True, "help": "`Server: kolben` in every answer"},
    ("--request-id",): {"action": SWITCH, "default": False, "help": "X-Request-ID in every answer, as the log has it"},
    ("--log-format",): {"choices": ("text", "json"), "help": "how the log looks (text on a terminal, else json)"},
    ("--log-file",): {"metavar": "PATH", "help": "where the log goes instead of standard error; SIGUSR1 opens it again"},
}


def command(arguments: list[str]) -> int:
    """Serve until somebody says stop."""
    options = read_options(arguments)
    from kolben.server.logs import LogFile, set_up_logs

    handler = set_up_logs(form=options.log_format, path=Path(options.log_file) if options.log_file else None)
    supervisor = make_supervisor(options, arguments)
    if isinstance(handler, LogFile):
        supervisor.reopen_logs = handler.reopen
    try:
        return supervisor.run()
    finally:
        if supervisor.pid_file:
            supervisor.pid_file.close()


def read_options(arguments: list[str]) -> Namespace:
    """Read the command line: the supervisor's, and again each worker's."""
    options = parse(
        "serve",
        "Serve an app on the internet: worker processes, reload without downtime, no debug mode.",
        OPTIONS,
        arguments,
        sibling="run",
    )
    options.debug = False
    options.ready_path = ready_path(options.ready_path)
    options.trust = parse_trust(options.proxy) if options.proxy else None
    return options


def make_supervisor(options: Namespace, arguments: list[str]) -> "Supervisor":
    """Open the sockets and prepare the rest; nothing of the user's code is imported here."""
    from kolben.server.cpus import usable_cpus
    from kolben.server.pidfile import PidFile
    from kolben.server.recycling import Recycling
    from kolben.server.supervisor import Supervisor
    from kolben.server.systemd import Notifier, take_activated

    notifier = Notifier(os.environ)
    activated = take_activated(os.environ)
    environment = dict(os.environ)  # before the files: a new release may bring new ones
    load_files()
    if is_set("FLASK_DEBUG"):
        environment["FLASK_DEBUG"] = "0"
    binds = activated if activated and not (options.bind or options.host or options.port is not None) else binds_of(options)
    listeners = open_listeners(binds)
    pid_path = options.pid_file or os.environ.get(PID_FILE)
    try:
        pid_file = PidFile(Path(pid_path)) if pid_path else None
    except UsageError:
        close_all(listeners)
        raise
    return Supervisor(
        command=[sys.executable, *interpreter_flags(), "-m", "kolben.cli.worker", *arguments],
        listeners=listeners,
        size=options.workers or usable_cpus(),
        environment=environment,
        ready_path=options.ready_path,
        recycling=Recycling(requests=options.max_requests, age=options.max_age, memory=options.max_memory * MEBIBYTE),
        start_limit=options.start_limit,
        hang_limit=options.hang_limit,
        pid_file=pid_file,
        notifier=notifier,
    )


def open_listeners(binds: list[str]) -> "list[Listener]":
    """Open each, or none; tell where."""
    from kolben.net import listen_all, parse_address
    from kolben.server.serving import log, url_of

    listeners: list[Listener] = []
    try:
        for bind in binds:
            listeners.extend(listen_all(parse_address(bind)))
    except BaseException:
        close_all(listeners)
        raise
    for listener in listeners:
        log.info("Running on %s (pid %d)", url_of(listener), os.getpid())
    return listeners


def close_all(listeners: "list[Listener]") -> None:
    """Open nothing after all."""
    for listener in listeners:
        listener.close()


def ready_path(text: str | None) -> str:
    """Check what the probe is to ask for."""
    if not text:
        return ""
    if text.startswith("/") and text.isascii() and text.isprintable() and " " not in text:
        return text
    raise UsageError(f"argument --ready-path: expected a path, got {text!r}\n  Do: write one such as /healthz")


def interpreter_flags() -> list[str]:
    """Return what this Python was started with, so that the workers' is the same: -O, -X, -W and their like."""
    return list(subprocess._args_from_interpreter_flags())  # type: ignore[attr-defined]  # typeshed leaves it out; multiprocessing uses it too
