"""`kolben check`: what is unsafe in an app before strangers can reach it."""

import os
from argparse import Namespace
from collections.abc import Iterator
from ipaddress import ip_network

from kolben.cli.options import Options, parse
from kolben.cli.run import load_app
from kolben.cli.terminal import show, strong
from kolben.ops import Finding, check_production

__all__ = ["command"]

OPTIONS: Options = {
    ("--prod",): {"action": "store_true", "help": "for the internet: the one profile that there is, so it may be left out"},
    ("--proxy",): {"metavar": "NETWORKS", "help": "what `kolben serve` is given"},
    ("--no-flask",): {"action": "store_true", "help": "leave `import flask` alone: by default it means Kolben"},
}


def command(arguments: list[str]) -> int:
    """Print what should be otherwise: 0 if nothing should, else 1."""
    options = parse("check", "Say what is unsafe in an app's configuration for production, and what to write instead.", OPTIONS, arguments)
    options.debug = None
    app = load_app(options)
    findings = [*check_production(app), *check_surroundings(options)]
    for finding in findings:
        show(f"{strong(finding.problem)}: {finding.reason}\n  Do: {finding.line}")
    if not findings:
        show("nothing found that is unsafe in production")
    return 1 if findings else 0


def check_surroundings(options: Namespace) -> Iterator[Finding]:
    """What the app does not know: who runs it, and whom the server is to believe."""
    if os.geteuid() == 0:
        yield Finding(
            "it would run as root", "a hole in the app is a hole in the machine", "User=www-data in the unit, or USER in the image"
        )
    for word in (options.proxy or "").replace(",", " ").split():
        if word != "unix" and ip_network(word, strict=False).prefixlen == 0:
            yield Finding(f"--proxy {word} believes everybody", "any client says who it is", "--proxy with your proxies' addresses alone")
