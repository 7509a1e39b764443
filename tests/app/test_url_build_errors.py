"""What url_for does when there is no such endpoint."""

import pytest
from werkzeug.routing import BuildError

from kolben import App


@pytest.fixture
def app():
    return App(__name__)


def test_a_build_error_handler_may_raise_the_error_again(app):
    """Then the next handler is asked; without another one, the error is the caller's."""

    def refuse(error, endpoint, values):
        raise error

    app.url_build_error_handlers.append(refuse)
    with app.test_request_context():
        with pytest.raises(BuildError, match="nowhere"):
            app.url_for("nowhere")
        app.url_build_error_handlers.append(lambda error, endpoint, values: f"/found/{endpoint}")
        assert app.url_for("nowhere") == "/found/nowhere"
