"""The program that `python -m flask` is."""

from __future__ import annotations

from kolben.commands.groups import FlaskGroup

__all__ = ["cli", "main"]

cli = FlaskGroup(
    name="flask",
    help="""Work with an app: serve it, look at it, run its commands.

The app is given with '--app' or FLASK_APP, or is in a file 'wsgi.py' or 'app.py' in the current folder.
""",
)


def main() -> None:
    """Run the command line."""
    cli.main()
