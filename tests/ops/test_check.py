"""`check_production`: what is found, and that nothing is found in an app that does what was said."""

import secrets
from dataclasses import replace

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from kolben import App, Limits, Timeouts
from kolben.ops import check_production

SAFE = {
    "SECRET_KEY": secrets.token_hex(),
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "TRUSTED_HOSTS": ["shop.example"],
}


def problems(**changes):
    app = App("shop")
    app.config.update(SAFE | changes)
    return [finding.problem for finding in check_production(app)]


def test_a_safe_app_is_left_alone():
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"SECRET_KEY": None}, "there is no SECRET_KEY"),
        ({"SECRET_KEY": "dev"}, "a SECRET_KEY can be guessed"),
        ({"SECRET_KEY": "x" * 40}, "a SECRET_KEY can be guessed"),
        ({"SECRET_KEY": b"0123456789"}, "a SECRET_KEY is 10 long, expected 16 or more"),
        ({"SECRET_KEY_FALLBACKS": ["changeme"]}, "a SECRET_KEY can be guessed"),
        ({"DEBUG": True}, "debug mode is on"),
        ({"TESTING": True}, "TESTING is set"),
        ({"PROPAGATE_EXCEPTIONS": True}, "PROPAGATE_EXCEPTIONS is set"),
        ({"TEMPLATES_AUTO_RELOAD": True}, "TEMPLATES_AUTO_RELOAD is set"),
        ({"SESSION_COOKIE_SECURE": False}, "the cookie 'session' is also sent without TLS"),
        ({"SESSION_COOKIE_HTTPONLY": False}, "scripts can read the cookie 'session'"),
        ({"SESSION_COOKIE_SAMESITE": None}, "the cookie 'session' comes along with other sites' forms"),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "the cookie 'session' comes along with other sites' forms"),
        ({"TRUSTED_HOSTS": None}, "any Host is answered"),
    ],
)
def test_one_unsafe_setting_is_one_finding(changes, problem):
    assert problems(**changes) == [problem]


@pytest.mark.parametrize("name", ["first_byte", "head", "body", "write", "keep_alive"])
def test_a_deadline_that_is_switched_off_is_found(name):
    app = App("shop")
    app.config.update(SAFE)
    app.timeouts = replace(Timeouts(), **{name: 0})
    assert [finding.problem for finding in check_production(app)] == [f"timeouts.{name} is switched off"]


def test_bodies_without_any_limit_are_found():
    app = App("shop")
    app.config.update(SAFE)
    app.limits = replace(Limits(), body=0)
    assert [finding.problem for finding in check_production(app)] == ["a body may be of any size"]
    app.config["MAX_CONTENT_LENGTH"] = 1000
    assert check_production(app) == []


def test_proxy_fix_is_found():
    app = App("shop")
    app.config.update(SAFE)
    app.wsgi_app = ProxyFix(app.wsgi_app)
    (finding,) = check_production(app)
    assert "ProxyFix believes everybody" in finding.problem
    assert "--proxy" in finding.line
