"""Each claim of docs/flask.md has a test: every point, row and step stands here with where it is judged."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "flask.md").read_text()

# How a claim begins, and the tests that fail when it is false: file, and the beginning of names; or a script of tools/.
CLAIMS = {
    # the doors
    "`kolben run TARGET`": ["tests/cli/test_finder.py::test_"],
    "`python -m kolben file.py`": ["tests/cli/test_script.py::test_the_file_is_main_with_its_arguments_and_its_folder"],
    "`kolben flask ...`": ["tests/cli/test_flask.py::test_what_flask_takes_kolben_flask_takes"],
    "`pytest -p kolben.flask.pytest_plugin`": ["tests/flask/test_install.py::test_the_pytest_plugin_installs_the_doors"],
    "`kolben.flask.install()`": ["tests/flask/test_install.py::test_flask_is_kolben_under_both_names"],
    # how to move
    "Install Kolben in": ["tests/cli/test_flask.py::test_an_installed_flask_is_left_alone_unless_told"],
    "Run its tests": ["tests/flask/test_install.py::test_the_pytest_plugin_installs_the_doors", "tests/testing/test_native.py::test_"],
    "Start it by `kolben run`": ["tests/sessions/test_signing.py::test_what_one_writes_the_other_reads", "tests/cli/test_run.py::test_"],
    "For programs that import": ["tests/cli/test_flask.py::test_import_flask_is_kolben_in_a_program_that_knows_no_doors"],
    # what runs unchanged
    "Applications, nested blueprints": ["tools/flask_suite.sh", "tests/flask/test_surface.py::test_a_name_that_is_used_is_there"],
    "Sessions are Flask's": ["tests/sessions/test_signing.py::test_what_one_writes_the_other_reads"],
    "Overridable methods": [
        "tests/app/test_replacing.py::test_",
        "tests/properties/test_replacing.py::test_",
        "tests/flask/test_overriding.py::test_every_method_is_in_a_list",
    ],
    "WSGI middleware": ["tests/interop/test_wsgi.py::test_middleware_wraps_the_inner_callable"],
    "`async def` views and hooks": ["tests/flask/test_differences.py::test_async_views_share_one_loop_and_need_no_package"],
    "Debug mode": ["tests/dev/test_reloader.py::test_kolben_run_debug", "tests/dev/test_debugger.py::test_a_frames_console_needs_the_pin"],
    "Extensions: they may": ["tools/extensions.sh", "tests/app/test_registries.py::test_"],
    # what is more
    '`run="inline"`': ["tests/app/test_records.py::test_a_route_with_run_is_pinned"],
    "A test client with": ["tests/testing/test_native.py::test_a_request_that_the_server_refuses_is_answered_like_any"],
    "A view whose parameters": ["tests/flask/test_differences.py::test_a_view_that_does_not_fit_its_rule_is_answered_with_both"],
    "`app.run()` and `kolben run`": ["tests/commands/test_commands.py::test_run_calls_our_server"],
    # what differs
    "`request.method` of": ["tests/flask/test_differences.py::test_a_method_is_as_it_came"],
    "several `Cookie` lines": ["tests/flask/test_differences.py::test_several_cookie_lines_are_joined_as_cookies"],
    "a `Proxy` field": ["tests/flask/test_differences.py::test_a_proxy_field_is_not_in_the_environ"],
    "a body": ["tests/server/test_bodies.py::test_"],
    "`async def` views": ["tests/flask/test_differences.py::test_async_views_share_one_loop_and_need_no_package"],
    "a `Host` that": ["tests/flask/test_differences.py::test_a_host_that_can_be_no_name_is_answered_with_400"],
    "a field whose name": ["tests/flask/test_differences.py::test_a_field_with_an_underscore_passes_for_no_other"],
    "`open_session` of": ["tests/flask/test_differences.py::test_the_session_is_opened_when_it_is_used_unless"],
    "a session of up to": ["tests/sessions/test_signing.py::test_short_content_is_not_compressed_and_long_content_is"],
    "the context of a request": ["tests/flask/test_differences.py::test_one_object_is_both_contexts"],
    # what is not there yet
    "Options of `app.run()`": ["tests/commands/test_commands.py::test_what_werkzeugs_server_knows_alone_changes_nothing"],
    "TLS": ["tests/commands/test_commands.py::test_tls_is_refused"],
}


def claims():
    """Points, numbered steps and rows of the page, without its code and the heads of its tables."""
    text = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        match = re.match(r"(?:- |\d+\. |\| )(\S.*)", line)
        if match and not following.startswith("|--") and not line.startswith("| |"):
            yield match[1]


def test_the_claims_of_the_page_are_found():
    assert len(list(claims())) > 25


@pytest.mark.parametrize("claim", list(claims()))
def test_a_claim_is_judged(claim):
    found = [beginning for beginning in CLAIMS if claim.startswith(beginning)]
    assert found, f"no test is named for: {claim}"
    for where in CLAIMS[max(found, key=len)]:
        file, _, name = where.partition("::")
        assert (ROOT / file).is_file(), where
        assert not name or re.search(rf"^(?:async )?def {name}", (ROOT / file).read_text(), re.MULTILINE), where


def test_no_claim_is_left_over():
    assert [beginning for beginning in CLAIMS if not any(claim.startswith(beginning) for claim in claims())] == []
