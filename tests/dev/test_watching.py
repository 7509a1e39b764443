"""The files that a program is made of; what counts as a change."""

import itertools
import os
import sys
import threading
import types

import pytest

from kolben.dev import watching
from kolben.dev.watching import Watcher, files_below, files_of_modules


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name in ("app.py", "shop/web.py", ".env", "notes.txt", ".git/hook.py", "venv/pyvenv.cfg", "venv/lib/x.py", "node_modules/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.setattr(watching, "files_of_modules", lambda: iter(()))
    return tmp_path


def touch(path, seconds=[0]):  # noqa: B006 - counts up, whatever the clock's resolution
    seconds[0] += 1
    path.touch()
    os.utime(path, (seconds[0], seconds[0]))


def names_below(root):
    return {os.path.relpath(path, root) for path in files_below(str(root))}


def test_python_files_and_settings_below_the_folder_are_watched(root):
    assert names_below(root) == {"app.py", "shop/web.py", ".env"}


def test_a_home_folder_is_not_walked_through_whole(root, monkeypatch):
    monkeypatch.setattr(watching, "MOST", 2)
    assert len(names_below(root)) == 2


def test_modules_of_ones_own_are_watched_wherever_they_are_but_not_installed_ones(tmp_path, monkeypatch):
    for name, file in {"mine": "mine.py", "theirs": "site-packages/theirs.py"}.items():
        module = types.ModuleType(name)
        module.__file__ = str(tmp_path / file)
        monkeypatch.setitem(sys.modules, name, module)
    found = set(files_of_modules())
    assert str(tmp_path / "mine.py") in found
    assert str(tmp_path / "site-packages/theirs.py") not in found
    assert os.__file__ not in found
    assert pytest.__file__ not in found


def test_a_file_that_is_written_has_changed_once(root):
    watcher = Watcher(root=str(root))
    assert watcher.changed() is None
    touch(root / "shop/web.py")
    assert watcher.changed() == str(root / "shop/web.py")
    assert watcher.changed() is None


def test_a_new_file_below_the_folder_is_a_change(root):
    """An app that failed because of a module that is not there yet must come to life when it is."""
    watcher = Watcher(root=str(root))
    (root / "shop/new.py").write_text("")
    assert watcher.changed() == str(root / "shop/new.py")


def test_a_module_that_is_loaded_later_is_none(root, tmp_path_factory, monkeypatch):
    later = tmp_path_factory.mktemp("elsewhere") / "later.py"
    later.write_text("")
    watcher = Watcher(root=str(root))
    monkeypatch.setattr(watching, "files_of_modules", lambda: iter([str(later)]))
    assert watcher.changed() is None
    touch(later)
    assert watcher.changed() == str(later)


def test_a_file_that_goes_is_none(root):
    watcher = Watcher(root=str(root))
    (root / "app.py").unlink()
    assert watcher.changed() is None


def test_more_files_may_be_watched_and_some_left_out(root, monkeypatch):
    watcher = Watcher([str(root / "notes.txt")], ["*/shop/*"], root=str(root))
    touch(root / "shop/web.py")
    assert watcher.changed() is None
    touch(root / "notes.txt")
    assert watcher.changed() == str(root / "notes.txt")


def test_without_watchfiles_it_looks_every_interval(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    watcher = Watcher(root=str(root), interval=7)
    waited = []

    def wait(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            touch(root / "app.py")

    watcher._wait = wait
    assert watcher.wait() == str(root / "app.py")
    assert waited == [7, 7, 7]


class FakeWatchfiles(types.ModuleType):
    """Tells of something at once; of nothing that has changed at first."""

    def __init__(self, events, error=None):
        super().__init__("watchfiles")
        self.events, self.error, self.asked = events, error, []

    def watch(self, *folders, **options):
        self.asked.append(folders)
        if self.error is not None:
            raise self.error
        for event in self.events:
            event()
            yield set()


def test_with_watchfiles_it_looks_when_it_is_told_to(root, monkeypatch):
    fake = FakeWatchfiles([lambda: None, lambda: touch(root / "app.py")])
    monkeypatch.setitem(sys.modules, "watchfiles", fake)
    watcher = Watcher(root=str(root))
    watcher._wait = pytest.fail
    assert watcher.wait() == str(root / "app.py")
    assert fake.asked == [(str(root), str(root / "shop"))]


def test_folders_that_come_later_are_watched_then(root, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "later.py").write_text("")
    counter = itertools.count()

    def event():
        monkeypatch.setattr(watching, "files_of_modules", lambda: iter([str(elsewhere / "later.py")]))
        if next(counter) == 2:
            touch(elsewhere / "later.py")

    fake = FakeWatchfiles([event, event, event])
    monkeypatch.setitem(sys.modules, "watchfiles", fake)
    assert Watcher(root=str(root)).wait() == str(elsewhere / "later.py")
    assert str(elsewhere) in fake.asked[-1]


def test_where_the_kernel_has_no_watches_left_it_looks_every_interval(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", FakeWatchfiles([], OSError("no space left on device")))
    watcher = Watcher(root=str(root))
    watcher._wait = lambda seconds: touch(root / "app.py")
    assert watcher.wait() == str(root / "app.py")


def test_the_real_watchfiles_tells_of_a_change(root):
    pytest.importorskip("watchfiles")
    watcher = Watcher(root=str(root))
    found = []
    thread = threading.Thread(target=lambda: found.append(watcher.wait()), daemon=True)
    thread.start()
    for _ in range(100):  # it may have been written before the watching began
        touch(root / "app.py")
        thread.join(0.1)
        if not thread.is_alive():
            break
    assert found == [str(root / "app.py")]
