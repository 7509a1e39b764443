"""Looking at an app: its routes, and itself in a shell."""

from __future__ import annotations

import os
import sys
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import click

from kolben.app.globals import current_app
from kolben.commands.groups import with_appcontext

if TYPE_CHECKING:
    from werkzeug.routing import Rule

__all__ = ["routes_command", "shell_command"]


@click.command("shell", short_help="Run a shell in the app context.")
@with_appcontext
def shell_command() -> None:
    """Run an interactive Python shell in the app's context.

    Names in it: `app`, `g`, and what the app's shell context processors give.
    """
    import code

    names: dict[str, Any] = {}
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup) as file:
            exec(compile(file.read(), startup, "exec"), names)  # noqa: S102 - what Python's own shell does
    names.update(current_app.make_shell_context())
    _set_up_completion(names)
    banner = f"Python {sys.version} on {sys.platform}\nApp: {current_app.import_name}\nInstance: {current_app.instance_path}"
    code.interact(banner=banner, local=names)


def _set_up_completion(names: dict[str, Any]) -> None:
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        return
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        pass
    else:
        readline.set_completer(Completer(names).complete)
    hook()


@click.command("routes", short_help="Show the routes for the app.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice(("endpoint", "methods", "domain", "rule", "match")),
    default="endpoint",
    help="What to sort by; 'match' is the order in which rules are tried.",
)
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS, too.")
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """Show every rule with its endpoint and methods."""
    rules = list(current_app.url_map.iter_rules())
    if not rules:
        click.echo("No routes were registered.")
        return
    by_host = current_app.url_map.host_matching
    columns = {"endpoint": "Endpoint", "methods": "Methods", "domain": "Host" if by_host else "Subdomain", "rule": "Rule"}
    hidden = set() if all_methods else {"HEAD", "OPTIONS"}
    rows = [_row(rule, hidden, by_host) for rule in rules]
    if not any(row["domain"] for row in rows):
        del columns["domain"]
    if sort in columns:
        rows.sort(key=itemgetter(sort))
    for line in _table(columns, rows):
        click.echo(line)


def _row(rule: Rule, hidden: set[str], by_host: bool) -> dict[str, str]:
    return {
        "endpoint": str(rule.endpoint),
        "methods": ", ".join(sorted((rule.methods or set()) - hidden)),
        "domain": (rule.host if by_host else rule.subdomain) or "",
        "rule": rule.rule,
    }


def _table(columns: dict[str, str], rows: list[dict[str, str]]) -> list[str]:
    widths = {key: max(len(title), *(len(row[key]) for row in rows)) for key, title in columns.items()}
    lines = [columns, {key: "-" * width for key, width in widths.items()}, *rows]
    return ["  ".join(line[key].ljust(width) for key, width in widths.items()) for line in lines]
