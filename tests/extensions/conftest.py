"""Real extensions, unchanged: an app for each test, and a client whose requests go by WSGI calls or as bytes through our own server."""

from importlib import metadata

import pytest


def adopted():
    """Tell whether `kolben flask adopt` was here.  Without an import: the quick suite must not load a Flask that is not ours."""
    try:
        return metadata.distribution("flask").read_text("INSTALLER") == "kolben\n"
    except metadata.PackageNotFoundError:
        return False


collect_ignore_glob = [] if adopted() else ["test_*.py"]


@pytest.fixture(params=["wsgi", "native"])
def app(request, tmp_path):
    import flask

    app = flask.Flask("shop", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.config.update(
        TESTING=True,
        SECRET_KEY="a key that is long enough for every extension",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/shop.db",
    )
    app.test_client_class = type("Client", (flask.testing.FlaskClient,), {"transport": request.param})
    return app
