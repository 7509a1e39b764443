"""Flask's tutorial application, unchanged, served by `kolben run` and used in a browser, as a person would (make browser)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance.browser import Browser, binary, driver

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "browser"
TUTORIALS = sorted((ROOT / "build" / "flask-suite").glob("flask-*/examples/tutorial/flaskr"))

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (binary() and driver()), reason="needs the packages chromium and chromium-driver"),
    pytest.mark.skipif(not TUTORIALS, reason="needs Flask's source archive: make flask-suite fetches it"),
]


@pytest.fixture
def site(tmp_path):
    """Serve a copy; give its address."""
    shutil.copytree(TUTORIALS[-1], tmp_path / "flaskr")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(tmp_path)])}
    subprocess.run([sys.executable, "-m", "kolben.flask", "--app", "flaskr", "init-db"], cwd=tmp_path, env=environ, check=True)
    command = [sys.executable, "-m", "kolben", "run", "--port", "0", "flaskr"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield re.search(r"http://\S+", server.stderr.readline())[0]
        finally:
            server.terminate()


@pytest.fixture
def browser():
    window = Browser()
    yield window
    window.close()


def test_a_person_registers_logs_in_writes_edits_and_deletes(site, browser):
    """Forms, redirects, the session cookie, flashed messages, static files, a database: together, in a browser."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    browser.visit(site + "auth/register")
    assert browser.style("nav h1 a", "color") != "rgba(0, 0, 0, 1)", "the style sheet is there"
    browser.fill(username="Käthe", password="secret")
    browser.click("input[type=submit]")
    assert browser.url() == site + "auth/login"

    browser.fill(username="Käthe", password="wrong")
    browser.click("input[type=submit]")
    assert browser.text(".flash") == "Incorrect password."
    browser.picture(PICTURES / "1-wrong-password.png")
    browser.fill(username="Käthe", password="secret")
    browser.click("input[type=submit]")
    assert browser.url() == site
    assert "Käthe" in browser.text("nav")

    browser.click("a[href='/create']")
    browser.fill(title="Ein Kolben <b>", body="is a flask\nand a piston")
    browser.click("input[type=submit]")
    assert browser.text(".post h1") == "Ein Kolben <b>"
    assert browser.text(".post .body") == "is a flask\nand a piston"
    browser.picture(PICTURES / "2-written.png")

    browser.click(".post .action")
    browser.fill(title="Edited", body="Now shorter.")
    browser.click("input[value=Save]")
    assert (browser.text(".post h1"), browser.text(".post .body")) == ("Edited", "Now shorter.")
    browser.picture(PICTURES / "3-edited.png")

    browser.click(".post .action")
    browser.click("input[value=Delete]")
    browser.accept()
    browser.visit(site)
    assert not browser.has(".post")

    browser.click("a[href='/auth/logout']")
    assert "Log In" in browser.text("nav")
    browser.visit(site + "create")
    assert browser.url() == site + "auth/login"
    browser.picture(PICTURES / "4-logged-out.png")
