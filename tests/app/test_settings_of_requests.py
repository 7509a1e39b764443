"""What a request says of limits and JSON: set on it alone, by its class, or by the app's configuration; whenever that changes."""

import json

import pytest
from werkzeug.exceptions import RequestEntityTooLarge

from kolben import App
from kolben.app.wrappers import Request

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n"
BODY = b'{"a":1}'


class Shouting:
    @staticmethod
    def loads(data):
        return {"shouted": data}


@pytest.fixture
def app():
    return App(__name__)


@pytest.fixture
def request_class():
    class Own(Request):
        pass

    return Own


def test_a_limit_that_is_set_on_a_request_is_its_alone(app, request_class):
    with app.app_context():
        first, second = request_class.from_bytes(HEAD, BODY), request_class.from_bytes(HEAD, BODY)
        first.max_content_length = 6
        assert (first.max_content_length, second.max_content_length) == (6, None)
        assert second.get_json() == {"a": 1}
        with pytest.raises(RequestEntityTooLarge):
            first.get_json()


def test_the_configuration_is_read_anew_for_each_request(app, request_class):
    with app.app_context():
        assert request_class.from_bytes(HEAD, BODY).get_json() == {"a": 1}
        app.config["MAX_CONTENT_LENGTH"] = 6
        with pytest.raises(RequestEntityTooLarge):
            request_class.from_bytes(HEAD, BODY).get_data()


def test_a_class_that_changes_between_requests_is_heard(app, request_class):
    with app.app_context():
        assert request_class.from_bytes(HEAD, BODY).get_json() == {"a": 1}
        request_class.json_module = Shouting
        assert request_class.from_bytes(HEAD, BODY).get_json() == {"shouted": BODY}
        request_class.max_content_length = 6
        with pytest.raises(RequestEntityTooLarge):
            request_class.from_bytes(HEAD, BODY).get_data()
        request_class.is_json = False
        assert request_class.from_bytes(HEAD, BODY).get_json(silent=True) is None


def test_what_reads_json_is_the_requests_own_the_apps_or_the_interpreters(app, request_class):
    request = request_class.from_bytes(HEAD, BODY)
    assert request.json_module is json
    with app.app_context():
        assert request.json_module is app.json
        request.json_module = Shouting
        assert request.get_json() == {"shouted": BODY}


def test_a_copy_of_a_request_keeps_its_settings_and_shares_no_later_one(request_class):
    request = request_class.from_bytes(HEAD, BODY)
    request.max_content_length = 9
    other = request.__copy__()
    other.max_content_length = 10
    assert (request.max_content_length, other.max_content_length) == (9, 10)


def test_a_setting_is_found_on_its_class():
    assert Request.max_content_length is Request.__dict__["max_content_length"]
