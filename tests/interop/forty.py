"""The forty requests, and how an answer is compared."""

import http.client
from dataclasses import dataclass, field
from io import BytesIO

BOUNDARY = "b0undary"
PARTS = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\n'
    f"--{BOUNDARY}--\r\n"
).encode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
JSON = {"Content-Type": "application/json"}
COMPARED = ("content-type", "content-length", "location", "allow", "vary", "x-after", "x-this")


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    target: str
    body: bytes | None = None
    fields: dict[str, str] = field(default_factory=dict)

    def __str__(self):
        return f"{self.method} {self.target}"


FORTY = [
    Asked("GET", "/"),
    Asked("HEAD", "/"),
    Asked("OPTIONS", "/"),
    Asked("POST", "/", b""),
    Asked("GET", "/?stop=1"),
    Asked("GET", "/async"),
    Asked("HEAD", "/async"),
    Asked("GET", "/json"),
    Asked("GET", "/list"),
    Asked("GET", "/user/42/a/b"),
    Asked("GET", "/user/42/a%20b%2Fc/%C3%A9"),
    Asked("GET", "/user/no/a"),
    Asked("GET", "/args?a=1&a=2&b=%20x+y&c"),
    Asked("GET", "/head-fields", fields={"X-Given": "a, b", "User-Agent": "forty"}),
    Asked("POST", "/form", b"a=1&a=2&b=%C3%A9", FORM),
    Asked("PUT", "/form", PARTS, MULTIPART),
    Asked("POST", "/form-async", PARTS, MULTIPART),
    Asked("POST", "/echo", b""),
    Asked("POST", "/echo", bytes(range(256))),
    Asked("PATCH", "/echo", b"y" * 200_000),
    Asked("DELETE", "/echo", b"z"),
    Asked("POST", "/json-in", b'{"a": [1, 2.5, "x"]}', JSON),
    Asked("POST", "/json-in", b"{broken", JSON),
    Asked("POST", "/json-in", b"{}", {"Content-Type": "text/plain"}),
    Asked("POST", "/upload", b"u" * 200_000),
    Asked("POST", "/upload-sync", b"u" * 200_000),
    Asked("GET", "/status/204"),
    Asked("GET", "/status/418"),
    Asked("GET", "/abort/404"),
    Asked("GET", "/abort/503"),
    Asked("GET", "/redirect"),
    Asked("GET", "/slash?q=1"),
    Asked("GET", "/nowhere"),
    Asked("GET", "/cookie", fields={"Cookie": "a=0; b=1"}),
    Asked("GET", "/stream"),
    Asked("GET", "/stream-async"),
    Asked("GET", "/large"),
    Asked("GET", "/boom"),
    Asked("GET", "/boom-async"),
    Asked("GET", "/url?a=b%20c"),
]


def summary(status, fields, body):
    """What has to be equal.  Date, Server, Connection and how a body is framed are the server's."""
    named = {name.lower(): value for name, value in fields}
    cookies = sorted(value for name, value in fields if name.lower() == "set-cookie")
    return status, {name: named.get(name) for name in COMPARED}, cookies, body


def over_socket(address, asked):
    """Ask a server."""
    connection = http.client.HTTPConnection(*address, timeout=20)
    try:
        connection.request(asked.method, asked.target, asked.body, {"Host": "forty.test", **asked.fields})
        response = connection.getresponse()
        return summary(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


def by_client(app, asked):
    """Ask the test client."""
    response = app.test_client(use_cookies=False).open(
        asked.target,
        method=asked.method,
        base_url="http://forty.test/",
        headers={"User-Agent": "", **asked.fields},
        input_stream=None if asked.body is None else BytesIO(asked.body),
        content_length=None if asked.body is None else len(asked.body),
    )
    found = summary(response.status_code, list(response.headers), response.get_data())
    response.close()
    return found
