"""Real extensions, unchanged: an app for each test, and a client whose requests go as bytes through our own server."""

import pytest

collect_ignore_glob = []
try:
    import flask

    OURS = flask.__name__ == "kolben.flask"
except ImportError:
    OURS = False
if not OURS:  # the quick suite: nothing was adopted, and the extensions are not there
    collect_ignore_glob.append("test_*.py")


@pytest.fixture(params=["wsgi", "native"])
def app(request, tmp_path):
    app = flask.Flask("shop", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.config.update(
        TESTING=True, SECRET_KEY="a key that is long enough for every extension", SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/shop.db"
    )
    app.test_client_class = type("Client", (flask.testing.FlaskClient,), {"transport": request.param})
    return app
