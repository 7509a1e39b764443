"""For `pytest -p kolben.flask.pytest_plugin`: tests that import flask get Kolben.

`--kolben-transport=native` sends what their test clients send as HTTP/1.1 bytes through our own server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kolben.flask._install import install

if TYPE_CHECKING:
    import pytest

install()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("kolben")
    group.addoption(
        "--kolben-transport",
        choices=("wsgi", "native"),
        default="wsgi",
        help="what test clients send requests by: a WSGI call, or HTTP/1.1 bytes through Kolben's own server",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set the transport of every client of this run."""
    from kolben.testing import FlaskClient

    FlaskClient.transport = config.getoption("--kolben-transport")
