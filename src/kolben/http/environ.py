"""The WSGI environ of a request that came through our own server (PEP 3333): made only when somebody asks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from kolben.http.request import Request

__all__ = ["make_environ"]


def make_environ(request: Request) -> dict[str, Any]:
    """Build the environ.  The body goes with it: `wsgi.input` reads it, and ends where it ends."""
    target, raw_path, minor_version, content_length, authority, connection, body = request._wire()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/" + unquote_to_bytes(raw_path).decode("latin-1").lstrip("/"),
        "QUERY_STRING": request.query_string.decode("latin-1"),
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_PROTOCOL": f"HTTP/1.{minor_version}",
        "SERVER_SOFTWARE": "kolben",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": connection.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "werkzeug.request": request,
    }
    add_addresses(environ, connection)
    add_fields(environ, request._field_items())
    if authority:  # RFC 9112, section 3.2.2: the absolute form wins over Host
        environ["HTTP_HOST"] = authority
    if content_length >= 0:
        environ["CONTENT_LENGTH"] = str(content_length)
    return environ


def add_addresses(environ: dict[str, Any], connection: Any) -> None:
    """Add both ends of the connection; a Unix socket's server name is its path."""
    host, port = connection.server
    environ["SERVER_NAME"] = host
    environ["SERVER_PORT"] = "" if port is None else str(port)
    remote = connection.remote
    environ["REMOTE_ADDR"] = remote[0] if remote else ""
    if remote:
        environ["REMOTE_PORT"] = str(remote[1])


def add_fields(environ: dict[str, Any], items: list[tuple[str, str]]) -> None:
    """Add fields as HTTP_ variables.

    SECURITY: a name with an underscore is left out, because "X_Real_Ip" and "X-Real-Ip" would become one variable; so is
    Proxy, which CGI programs take for their own setting (CVE-2016-1000111).
    """
    for name, value in items:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            environ[key] = value
        elif key == "COOKIE" and "HTTP_COOKIE" in environ:
            environ["HTTP_COOKIE"] += "; " + value
        elif f"HTTP_{key}" in environ:
            environ[f"HTTP_{key}"] += "," + value
        elif key != "PROXY":
            environ[f"HTTP_{key}"] = value
