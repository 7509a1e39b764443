"""A client that speaks to an app without a socket, one that speaks through a socket, fixtures."""

from kolben.testing.client import EnvironBuilder, FlaskClient

__all__ = ["EnvironBuilder", "FlaskClient"]
