"""An app and its client for pages that need no more."""

import pytest

from kolben.flask import Flask


@pytest.fixture
def app():
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="k")
    return app


@pytest.fixture
def client(app):
    return app.test_client()
