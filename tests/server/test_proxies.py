"""Behind a proxy: whose word on the client is taken, and that nobody else's is."""

from contextvars import Context

import pytest

from kolben.app import App
from kolben.base import UsageError
from kolben.flask import url_for
from kolben.http import Handler, Request
from kolben.server.proxies import ProxyHandler, parse_trust

TRUST = "10.0.0.0/8, 2001:db8::/32, unix"


class Asked(Handler):
    """A handler that only sees the request."""

    def __init__(self):
        self.request_class = Request

    def match(self, request):
        self.request = request


def arrived(*fields, peer="10.0.0.1", trust=TRUST, **settings):
    """The request as an app sees it that came from `peer` with these fields."""
    head = "\r\n".join(["GET / HTTP/1.1", "Host: shop.example", *fields, "", ""]).encode()
    asked = Asked()
    request = Request.from_bytes(head, remote=(peer, 4000) if peer else None, server=("/run/app", None) if not peer else ("10.0.0.9", 80))
    ProxyHandler(asked, parse_trust(trust), **settings).match(request)
    return asked.request


@pytest.mark.parametrize(
    ("listed", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("1.2.3.4, 203.0.113.7, 10.0.0.3, 10.0.0.2", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db9::1]:4711", "2001:db9::1"),
        ("2001:db9::1", "2001:db9::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.5", "10.0.0.5"),
        ("203.0.113.7, unknown", "10.0.0.1"),
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("203.0.113.7,", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"),
        (", ".join(["10.0.0.2"] * 40), "10.0.0.2"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(listed, client):
    assert arrived(f"X-Forwarded-For: {listed}").remote_addr == client


def test_field_lines_are_one_list():
    assert arrived("X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 203.0.113.7, 10.0.0.2").remote_addr == "203.0.113.7"


@pytest.mark.parametrize("peer", ["203.0.113.99", "127.0.0.1", "::1"])
@pytest.mark.parametrize("standard", [False, True])
def test_a_stranger_is_not_believed(peer, standard):
    fields = ["X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "Forwarded: for=1.2.3.4;proto=https"]
    request = arrived(*fields, peer=peer, standard=standard)
    assert (request.remote_addr, request.scheme) == (peer, "http")


def test_a_unix_socket_is_trusted_only_if_that_is_said():
    assert arrived("X-Forwarded-For: 1.2.3.4", peer=None).remote_addr == "1.2.3.4"
    assert arrived("X-Forwarded-For: 1.2.3.4", peer=None, trust="10.0.0.1").remote_addr is None


@pytest.mark.parametrize(
    ("fields", "scheme"),
    [
        (["X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https"], "https"),
        (["X-Forwarded-For: 1.2.3.4, 10.0.0.2", "X-Forwarded-Proto: https"], "https"),
        (["X-Forwarded-For: 1.2.3.4, 10.0.0.2", "X-Forwarded-Proto: https, http"], "https"),
        (["X-Forwarded-For: 9.9.9.9, 1.2.3.4, 10.0.0.2", "X-Forwarded-Proto: https, http, http"], "http"),
        (["X-Forwarded-Proto: HTTPS"], "https"),
        (["X-Forwarded-Proto: wss"], "https"),
        (["X-Forwarded-Proto: gopher"], "http"),
        ([], "http"),
    ],
)
def test_the_scheme_is_the_one_the_client_used(fields, scheme):
    request = arrived(*fields)
    assert (request.scheme, request.is_secure, request.environ["wsgi.url_scheme"]) == (scheme, scheme == "https", scheme)


@pytest.mark.parametrize(
    ("listed", "client", "scheme"),
    [
        ("for=203.0.113.7;proto=https", "203.0.113.7", "https"),
        ('for="[2001:db9::1]:4711";proto=https;by=10.0.0.1', "2001:db9::1", "https"),
        ('For="203.0.113.7:80" ; Proto=HTTPS, for=10.0.0.2;proto=http', "203.0.113.7", "https"),
        ("for=1.2.3.4;proto=https, for=203.0.113.7", "203.0.113.7", "http"),
        ("for=203.0.113.7, for=_hidden", "10.0.0.1", "http"),
        ("for=203.0.113.7, nonsense", "10.0.0.1", "http"),
        ('for="203.0.113.7', "10.0.0.1", "http"),
    ],
)
def test_forwarded_is_read_where_the_proxy_writes_it(listed, client, scheme):
    request = arrived(f"Forwarded: {listed}", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: http", standard=True)
    assert (request.remote_addr, request.scheme) == (client, scheme)


def test_the_way_that_the_proxy_does_not_write_is_the_clients_and_is_ignored():
    assert arrived("Forwarded: for=6.6.6.6;proto=https", "X-Forwarded-For: 203.0.113.7").remote_addr == "203.0.113.7"


def test_the_environ_tells_the_same_as_the_request():
    environ = arrived("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https").environ
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == ("203.0.113.7", "https", "shop.example")


@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("shop.example.org", "shop.example.org"),
        ("shop.example.org:8443", "shop.example.org:8443"),
        ("[2001:db9::1]:8443", "[2001:db9::1]:8443"),
        ("evil.example, shop.example.org", "shop.example.org"),
        ("shop.example/evil", "shop.example"),
        ("user@evil.example", "shop.example"),
        ("evil.example:999999", "shop.example"),
        ("", "shop.example"),
    ],
)
def test_the_host_is_the_one_that_the_nearest_proxy_was_asked_for(listed, host):
    request = arrived(f"X-Forwarded-Host: {listed}", host=True)
    assert (request.host, request.headers["Host"], request.environ["HTTP_HOST"]) == (host, host, host)


def test_the_host_that_forwarded_tells_is_the_one_that_the_client_asked_for():
    listed = 'for=6.6.6.6;host=evil.example, for=203.0.113.7;host="shop.example.org:444";proto=https, for=10.0.0.2;host=inner'
    request = arrived(f"Forwarded: {listed}", standard=True)
    assert (request.host, request.environ["SERVER_NAME"], request.environ["SERVER_PORT"]) == (
        "shop.example.org:444",
        "shop.example.org",
        "444",
    )


@pytest.mark.parametrize(
    ("written", "root"),
    [("/shop", "/shop"), ("/a/b/", "/a/b"), ("//evil.example", ""), ("shop", ""), ("/", ""), ("/a//b", ""), ("/a\\b", ""), ("/a b", "")],
)
def test_the_prefix_is_where_the_application_is_mounted(written, root):
    request = arrived(f"X-Forwarded-Prefix: {written}", prefix=True)
    assert (request.root_path, request.environ.get("SCRIPT_NAME"), request.path) == (root, root, "/")


def test_links_of_an_application_behind_a_proxy_lead_to_where_its_users_are():
    app = App("proxied")

    @app.get("/item/<int:number>")
    def item(number):
        return f"{url_for('item', number=number)} {url_for('item', number=number, _external=True)}"

    head = b"\r\n".join(
        [
            b"GET /item/7 HTTP/1.1",
            b"Host: 10.0.0.9:8000",
            b"X-Forwarded-For: 203.0.113.7",
            b"X-Forwarded-Proto: https",
            b"X-Forwarded-Host: shop.example",
            b"X-Forwarded-Prefix: /shop",
            b"",
            b"",
        ]
    )
    request = app.request_class.from_bytes(head, remote=("10.0.0.1", 4000), server=("10.0.0.9", 8000))
    plan = ProxyHandler(app.handler, parse_trust(TRUST), host=True, prefix=True).match(request)
    assert Context().run(plan.run, request).body == "/shop/item/7 https://shop.example/shop/item/7"


@pytest.mark.parametrize("settings", [{}, {"standard": True, "host": True}])
def test_host_and_prefix_are_not_read_where_nobody_said_that_the_proxy_sets_them(settings):
    request = arrived("X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: /evil", **settings)
    assert (request.host, request.root_path) == ("shop.example", "")


def test_a_stranger_sets_neither_host_nor_prefix():
    fields = ["X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: /evil", "Forwarded: for=1.2.3.4;host=evil.example"]
    for standard in (False, True):
        request = arrived(*fields, peer="203.0.113.99", standard=standard, host=True, prefix=True)
        assert (request.host, request.root_path) == ("shop.example", "")


@pytest.mark.parametrize("text", ["10.0.0.0/99", "everybody", "10.0.0.1/8", "*"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(UsageError, match="--proxy: expected addresses, networks or `unix`"):
        parse_trust(text)
