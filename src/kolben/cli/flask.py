"""`kolben flask`: all that `flask` takes, with the doors open, and whose `flask` an environment has: `adopt` and `release`."""

from argparse import RawDescriptionHelpFormatter

from kolben.cli.adoption import adopt, place_of, release
from kolben.cli.options import Parser
from kolben.cli.run import open_doors
from kolben.cli.terminal import show

__all__ = ["command"]

ABOUT = {
    "adopt": """\
Put a package `flask` that is Kolben into this environment, with metadata and the command `flask`.
Then `python hello.py`, pytest and every other program use Kolben where they import flask.
An installed Flask is left alone, unless --replace is given: it is then set aside, and comes back by `kolben flask release`.""",
    "release": """\
Take out what `kolben flask adopt` put in, and put back the Flask that it set aside, if it did.
Nothing else is touched; what somebody has changed since is not taken out.""",
}
USAGE = """
Of Kolben's own:
  kolben flask adopt    Let `import flask` mean Kolben in this environment.
  kolben flask release  Undo that."""


def command(arguments: list[str]) -> int:
    """Adopt, release, or do what `flask` does."""
    if arguments and arguments[0] in ABOUT:
        return adopt_or_release(arguments[0], arguments[1:])
    return act_as_flask(arguments)


def adopt_or_release(name: str, arguments: list[str]) -> int:
    """Read the options; do it; say what was done."""
    parser = Parser(prog=f"kolben flask {name}", description=ABOUT[name], formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--target", metavar="FOLDER", help="a folder of packages, instead of this environment's")
    if name == "adopt":
        parser.add_argument("--replace", action="store_true", help="set an installed Flask aside")
    options = parser.parse_args(arguments)
    place = place_of(options.target)
    show(adopt(place, replace=options.replace) if name == "adopt" else release(place))
    return 0


def act_as_flask(arguments: list[str]) -> int:
    """Run Flask's command line: `--app`, `run`, `shell`, `routes`, and the app's own commands."""
    open_doors()
    from kolben.commands.main import cli

    try:
        cli.main(args=arguments, prog_name="kolben flask")
    except SystemExit as end:  # always: click ends the program
        if not arguments or arguments == ["--help"]:
            show(USAGE)
        if isinstance(end.code, int | None):
            return end.code or 0
        raise
