"""Flask's module `testing`."""

from kolben.commands.runner import FlaskCliRunner
from kolben.testing import EnvironBuilder, FlaskClient

__all__ = [
    "EnvironBuilder",
    "FlaskCliRunner",
    "FlaskClient",
]
