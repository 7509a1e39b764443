"""docs/interop.md: its examples make one app, which does what the page says."""

import re
from pathlib import Path

import pytest
from tests.server.conftest import serve  # noqa: F401 - a fixture

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interop.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def app():
    names = {"__name__": "page"}
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(block, str(PAGE), "exec"), names)
    return names["app"]


def test_the_page_does_what_it_says(app, serve):  # noqa: F811 - the fixture
    running = serve(app.handler)
    assert running.get("/counted").body == b"counted"
    assert app.extensions["pool"] == ["a connection"]
    assert running.get("/legacy/a").body == b"/legacy /a"
    assert running.get("/modern/a").body == b"/modern"
    assert running.get("/admin/").body == b"admin"
    peer = running.connect()
    peer.post("/order", b"")
    assert peer.answer().body == b"thanks"
    running.stop()
    assert app.extensions["pool"] == []
    assert app.extensions["counts"] == ["/counted"]
