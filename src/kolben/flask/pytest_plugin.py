"""For `pytest -p kolben.flask.pytest_plugin`: tests that import flask get Kolben."""

from kolben.flask._install import install

install()
