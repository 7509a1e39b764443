"""Flask's module `testing`."""

from kolben.testing import EnvironBuilder, FlaskClient, FlaskCliRunner

__all__ = [
    "EnvironBuilder",
    "FlaskCliRunner",
    "FlaskClient",
]
