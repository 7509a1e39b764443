"""The signed cookie: Flask's on the wire, in both directions."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from markupsafe import Markup

from kolben.app import App
from kolben.flask import session
from kolben.sessions import SecureCookieSessionInterface, SessionInterface, TaggedJSONSerializer
from kolben.sessions.tag import JSONTag

# What Flask 3.1 writes for these values, before it signs it.
DATE = datetime(2026, 1, 2, tzinfo=UTC)
VALUES = {"user_id": 7, "t": (1, 2), "b": b"x", "m": Markup("<b>"), "at": DATE, "id": UUID(int=1), "d": {" t": [1]}, "n": None}
WIRE = (
    '{"at":{" d":"Fri, 02 Jan 2026 00:00:00 GMT"},"b":{" b":"eA=="},"d":{" di":{" t__":[1]}},'
    '"id":{" u":"00000000000000000000000000000001"},"m":{" m":"<b>"},"n":null,"t":{" t":[1,2]},"user_id":7}'
)


def make_app(**config):
    app = App(__name__)
    app.config.update({"SECRET_KEY": "dev", "TESTING": True, **config})

    @app.route("/set/<value>")
    def set_value(value):
        session["value"] = value
        return "set"

    @app.route("/get")
    def get_value():
        return session.get("value", "none")

    @app.route("/clear")
    def clear():
        session.clear()
        return "cleared"

    @app.route("/permanent")
    def permanent():
        session.permanent = True
        return "kept"

    @app.route("/idle")
    def idle():
        return "idle"

    return app


def test_the_content_is_written_in_flasks_words():
    app = make_app()
    with app.app_context():
        serializer = TaggedJSONSerializer()
        assert serializer.dumps(VALUES) == WIRE
        assert serializer.loads(WIRE) == VALUES


def test_flask_reads_our_cookie_and_we_read_flasks():
    flask_sessions = pytest.importorskip("flask.sessions")
    flask = pytest.importorskip("flask")
    theirs, ours = flask.Flask("x"), make_app()
    theirs.secret_key = "dev"
    with theirs.app_context(), ours.app_context():
        their_signer = flask_sessions.SecureCookieSessionInterface().get_signing_serializer(theirs)
        our_signer = SecureCookieSessionInterface().get_signing_serializer(ours)
        assert their_signer.loads(our_signer.dumps(VALUES)) == VALUES
        assert our_signer.loads(their_signer.dumps(VALUES)) == VALUES


TEXT = st.text("a ß", max_size=3)
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.binary(max_size=3) | st.uuids(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(TEXT | st.sampled_from([" t", " di", " t__"]), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXT, JSONISH))
def test_what_goes_into_a_cookie_comes_out_of_it(values):
    serializer = TaggedJSONSerializer()
    assert serializer.loads(serializer.dumps(values)) == values


def test_a_session_lasts_from_request_to_request():
    client = make_app().test_client()
    client.get("/set/7")
    assert client.get("/get").text == "7"


def test_an_answer_that_used_the_session_varies_by_cookie():
    client = make_app().test_client()
    assert "Cookie" in client.get("/get").headers["Vary"]
    assert "Vary" not in client.get("/idle").headers


def test_only_a_changed_session_is_sent():
    client = make_app().test_client()
    assert "Set-Cookie" in client.get("/set/7").headers
    assert "Set-Cookie" not in client.get("/get").headers


def test_an_emptied_session_deletes_the_cookie():
    client = make_app().test_client()
    client.get("/set/7")
    assert "Expires=Thu, 01 Jan 1970" in client.get("/clear").headers["Set-Cookie"]
    assert client.get_cookie("session") is None


@pytest.mark.parametrize(("refresh", "sent"), [(True, True), (False, False)])
def test_a_permanent_session_slides_on_with_each_request(refresh, sent):
    client = make_app(SESSION_REFRESH_EACH_REQUEST=refresh).test_client()
    client.get("/permanent")
    answer = client.get("/idle")
    assert ("Set-Cookie" in answer.headers) is sent
    if sent:
        assert "Expires=" in answer.headers["Set-Cookie"]


def test_a_cookie_older_than_the_lifetime_is_forgotten():
    app = make_app(PERMANENT_SESSION_LIFETIME=timedelta(seconds=-1))
    client = app.test_client()
    client.get("/set/7")
    assert client.get("/get").text == "none"


def test_a_forged_cookie_is_an_empty_session():
    client = make_app().test_client()
    client.get("/set/7")
    value = client.get_cookie("session").value
    client.set_cookie("session", value[:-2] + ("aa" if value[-2:] != "aa" else "bb"))
    assert client.get("/get").text == "none"


def test_old_keys_still_read_and_the_new_one_writes():
    old, new = make_app(SECRET_KEY="old"), make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    client = old.test_client()
    client.get("/set/7")
    cookie = client.get_cookie("session").value
    client = new.test_client()
    client.set_cookie("session", cookie)
    assert client.get("/get").text == "7"
    client.get("/set/8")
    signer = URLSafeTimedSerializer(
        "new",
        salt="cookie-session",
        signer_kwargs={"key_derivation": "hmac", "digest_method": SecureCookieSessionInterface.digest_method},
        serializer=TaggedJSONSerializer(),
    )
    assert signer.loads(client.get_cookie("session").value) == {"value": "8"}


def test_attributes_come_from_the_config():
    app = make_app(
        SESSION_COOKIE_NAME="sid",
        SESSION_COOKIE_DOMAIN="example.org",
        SESSION_COOKIE_PATH="/shop",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="None",
        SESSION_COOKIE_PARTITIONED=True,
    )
    cookie = app.test_client().get("/set/7").headers["Set-Cookie"]
    assert cookie.startswith("sid=")
    parts = set(cookie.split("; ")[1:])
    assert parts == {"Domain=example.org", "Secure", "HttpOnly", "Path=/shop", "SameSite=None", "Partitioned"}


def test_without_a_key_reading_works_and_writing_says_what_to_do():
    app = make_app(SECRET_KEY=None)
    client = app.test_client()
    assert client.get("/get").text == "none"
    with pytest.raises(RuntimeError, match="Set the secret_key on the application"):
        client.get("/set/7")


def test_a_custom_interface_is_asked():
    class InMemory(SessionInterface):
        store = {}  # noqa: RUF012 - one store for all, like a database

        def open_session(self, app, request):
            return self.store.setdefault("one", app.session_class())

        def save_session(self, app, session, response):
            response.headers["X-Saved"] = str(len(session))

    app = make_app()
    app.session_class = SecureCookieSessionInterface.session_class
    app.session_interface = InMemory()
    client = app.test_client()
    assert client.get("/set/7").headers["X-Saved"] == "1"
    assert client.get("/get").text == "7"


def test_more_types_may_be_tagged_before_those_they_are_a_case_of():
    class Point(tuple):
        __slots__ = ()

    class TagPoint(JSONTag):
        __slots__ = ()
        key = " p"

        def check(self, value):
            return isinstance(value, Point)

        def to_json(self, value):
            return list(value)

        def to_python(self, value):
            return Point(value)

    serializer = TaggedJSONSerializer()
    serializer.register(TagPoint, index=0)
    assert type(serializer.loads(serializer.dumps({"at": Point((1, 2))}))["at"]) is Point
    with pytest.raises(KeyError, match="already registered"):
        serializer.register(TagPoint)
    serializer.register(TagPoint, force=True)
