"""What importing the app costs a program that only wants to serve."""

import subprocess
import sys

import pytest

HEAVY = ["asyncio", "click", "jinja2", "msgspec", "uvloop", "asgiref", "pytest"]


@pytest.mark.parametrize("module", ["kolben.app", "kolben.sessions", "kolben.flask", "kolben.flask.sansio.app"])
def test_importing_the_app_imports_nothing_that_it_may_never_use(module):
    code = f"import sys; before = set(sys.modules); import {module}; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(HEAVY) & set(loaded)


def test_answering_a_request_needs_no_template_engine_and_no_command_line():
    code = """
import sys
from kolben.app import App
app = App("x")
app.debug = True
app.add_url_rule("/", "index", lambda: {"a": 1})
status = []
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http"}
b"".join(app(environ, lambda *a: status.append(a[0])))
print(status[0], *(set(sys.modules) & {"jinja2", "click", "asyncio"}))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "200 OK"
