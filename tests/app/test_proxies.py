"""What a proxy says is what the object behind it says: whatever was remembered of its class."""

from __future__ import annotations

from typing import Any

import pytest

from kolben import App, Request, g, request


class Loud(Request):
    """A request with a native property replaced."""

    @property
    def request_line(self) -> str:
        """In capitals."""
        return super().request_line.upper()


class Asked(Request):
    """A request whose class has a say in every look-up."""

    def __getattribute__(self, name: str) -> Any:
        """Say something else of one attribute."""
        return "asked" if name == "request_line" else super().__getattribute__(name)


def lines(*classes: type[Request]) -> list[str]:
    """What `request.request_line` is, asked twice each by apps with these classes of requests."""
    found = []
    for cls in classes:
        app = App(__name__)
        app.request_class = cls
        with app.test_request_context("/p"):
            found += [request.request_line, request.request_line]
    return found


def test_each_class_of_requests_has_its_own_properties() -> None:
    """The same name leads elsewhere in another class, also right after the first."""
    plain, loud = ["GET /p HTTP/1.1"] * 2, ["GET /P HTTP/1.1"] * 2
    assert lines(Request, Loud, Request, Asked, Loud) == [*plain, *loud, *plain, "asked", "asked", *loud]


def test_a_class_that_is_changed_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next look-up, as with any object; and when it is changed back."""
    app = App(__name__)
    with app.test_request_context("/p?a=1"):
        assert (request.path, request.args.to_dict()) == ("/p", {"a": "1"})
        with monkeypatch.context() as patch:
            patch.setattr(Request, "path", "patched", raising=False)
            patch.setattr(type(request._get_current_object()), "args", property(lambda _: "patched"), raising=False)
            assert (request.path, request.args) == ("patched", "patched")
        assert (request.path, request.args.to_dict()) == ("/p", {"a": "1"})


def test_what_is_assigned_is_read() -> None:
    """A native property keeps it itself; what has no property, the object's dict."""
    app = App(__name__)
    with app.test_request_context("/p"):
        assert request.path == "/p"
        request.path, request.own = "/q", 1
        assert (request.path, request.own) == ("/q", 1)
        request._get_current_object().__dict__["path"] = "not seen"
        assert request.path == "/q"
        with pytest.raises(AttributeError, match="missing"):
            _ = request.missing


def test_many_names_drive_each_other_out_of_the_memory() -> None:
    """There are more native properties than places."""
    names = ["method", "path", "query_string", "headers", "args", "view_args", "scheme", "server", "root_path", "remote_addr"]
    names += ["want_form_data_parsed", "url_rule", "routing_exception", "shallow", "has_uploads", "is_native", "request_line"]
    app = App(__name__)
    with app.test_request_context("/p?a=1"):
        real = request._get_current_object()
        for name in [*names, *reversed(names)]:
            assert getattr(request, name) == getattr(real, name)


def test_a_namespace_made_by_the_app_is_the_one_that_g_means() -> None:
    """Also one of a class with a constructor, which no plan may leave out."""

    class Space:
        def __init__(self) -> None:
            self.made = True

    app = App(__name__)
    app.app_ctx_globals_class = Space  # type: ignore[assignment]  # any class will do
    with app.test_request_context("/"):
        g.x = 1
        assert (g.made, g.x) == (True, 1)
