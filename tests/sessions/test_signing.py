"""Cookies are signed and checked as ItsDangerous would: it is the oracle of every test here."""

import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from kolben.sessions.signing import KEPT, CookieSerializer, Serializers
from kolben.sessions.tag import TaggedJSONSerializer

OPTIONS = {"salt": "cookie-session", "serializer": TaggedJSONSerializer(), "key_derivation": "hmac", "digest_method": hashlib.sha1}
KEYS = ("old", "new")
NOW = 1_800_000_000


def theirs(keys=KEYS):
    signer = {"key_derivation": "hmac", "digest_method": hashlib.sha1}
    return URLSafeTimedSerializer(list(keys), salt="cookie-session", serializer=OPTIONS["serializer"], signer_kwargs=signer)


def ours(keys=KEYS, **options):
    return CookieSerializer(keys, **{**OPTIONS, **options})


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Stands still at NOW; a test may set it."""
    clock = {"now": NOW}
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: clock["now"])
    return clock


def outcome(serializer, cookie, **more):
    """What a cookie says, or what is wrong with it."""
    try:
        return serializer.loads(cookie, **more)
    except Exception as error:
        return type(error)


SESSIONS = st.dictionaries(st.text(max_size=9), st.one_of(st.none(), st.integers(-9, 9), st.text(), st.text("a", min_size=40)), max_size=5)


@given(content=SESSIONS, digest_name=st.sampled_from([None, "sha1"]))
def test_what_one_writes_the_other_reads(content, digest_name):
    """A browser that logged in before the move stays logged in, and so it does on the way back."""
    serializer = ours(digest_name=digest_name)
    assert theirs().loads(serializer.dumps(content)) == content
    assert serializer.loads(theirs().dumps(content)) == content
    assert serializer.loads(theirs(["old"]).dumps(content)) == content


@given(content=SESSIONS, at=st.integers(0, 300), put=st.binary(max_size=3), cut=st.integers(0, 3), age=st.integers(-5, 20))
def test_a_cookie_that_was_changed_is_judged_as_itsdangerous_judges_it(content, at, put, cut, age):
    cookie = theirs().dumps(content).encode()
    changed = cookie[:at] + put + cookie[at + cut :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda self: NOW + age)
        assert outcome(ours(digest_name="sha1"), changed, max_age=10) == outcome(theirs(), changed, max_age=10)


@pytest.mark.parametrize(
    "cookie",
    [
        "", ".", "..", "...", "a.b.c", "\udcff", b"\xff.\xff.\xff",
        TimestampSigner("new", salt="cookie-session", key_derivation="hmac").sign("not base 64!"),
        TimestampSigner("new", salt="cookie-session", key_derivation="hmac").sign("bm8ganNvbg"),
        TimestampSigner("new", salt="cookie-session", key_derivation="hmac").sign(".bm8ganNvbg"),
    ],
    ids=["nothing", "a dot", "two", "three", "letters", "a surrogate", "bytes", "signed text", "signed base 64", "signed and compressed"],
)  # fmt: skip
def test_nonsense_is_nonsense_for_both_signed_or_not(cookie):
    assert outcome(ours(), cookie) == outcome(theirs(), cookie)
    assert issubclass(outcome(ours(), cookie), (BadData, UnicodeError))


def test_a_signed_value_without_a_time_is_refused():
    value = TimestampSigner("new", salt="cookie-session", key_derivation="hmac")
    plain = super(TimestampSigner, value).sign(b"a.b").decode()
    assert outcome(ours(), plain) == outcome(theirs(), plain)


def test_itsdangerous_other_arguments_are_taken():
    cookie = theirs().dumps({"a": 1})
    assert ours().loads(cookie, return_timestamp=True) == theirs().loads(cookie, return_timestamp=True)
    assert theirs().loads(ours().dumps(1, salt="s"), salt="s") == ours().loads(theirs().dumps(1, salt="s"), salt="s") == 1


def test_a_serializer_may_write_bytes():
    serializer = ours(serializer=pickle)
    assert serializer.loads(serializer.dumps({"a": {1}})) == {"a": {1}}


def test_one_serializer_stands_for_equal_keys_and_options_and_they_do_not_pile_up():
    kept = Serializers()
    first = kept.get(("key",), **OPTIONS)
    assert kept.get(("key",), **OPTIONS) is first
    assert kept.get(("other",), **OPTIONS) is not first
    assert kept.get(("key",), **{**OPTIONS, "salt": "other"}) is not first
    for number in range(3 * KEPT):
        kept.get((str(number),), **OPTIONS)
        assert len(kept._known) <= KEPT


def test_short_content_is_not_compressed_and_long_content_is():
    """Compressing costs more than a few characters are worth; ItsDangerous marks it by a dot in front."""
    assert not ours().dumps({"user": "a" * 40}).startswith(".")
    long = ours().dumps({"user": "a" * 400})
    assert long.startswith(".")
    assert len(long) <= len(theirs().dumps({"user": "a" * 400})) + 4
