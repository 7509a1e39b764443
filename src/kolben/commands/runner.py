"""Run an app's commands in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

from kolben.commands.groups import ScriptInfo

if TYPE_CHECKING:
    from kolben.app.app import App

__all__ = ["FlaskCliRunner"]


class FlaskCliRunner(CliRunner):
    """Click's runner, which finds the app by itself.  Usually made by `app.test_cli_runner()`."""

    def __init__(self, app: App, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(self, cli: Any = None, args: Any = None, **kwargs: Any) -> Result:  # type: ignore[override]  # Flask's signature: the command may be left out
        """Run a command, by default `app.cli`, as from the command line; see click for the arguments."""
        if "obj" not in kwargs:
            kwargs["obj"] = ScriptInfo(create_app=lambda: self.app)
        return super().invoke(self.app.cli if cli is None else cli, args, **kwargs)
