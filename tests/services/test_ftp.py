"""A folder over FTP, judged by Python's ftplib and by curl."""

import ftplib
import io
import os
import shutil
import socket
import subprocess
import sys

import pytest

from kolben import App, current_app
from kolben.base import UsageError
from kolben.services.ftp import classes

pyftpdlib = pytest.importorskip("pyftpdlib", reason="the extra kolben[ftp] is not installed")
SOON = 20


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "hello.txt").write_text("hello\n")
    (tmp_path / "secret.txt").write_text("not yours")
    return tmp_path / "files"


@pytest.fixture
def app():
    return App("files")


@pytest.fixture(autouse=True)
def no_penalty(monkeypatch):
    """A wrong password is answered after three seconds; here, at once."""
    classes({}, is_secure=False)  # imports it without Python's warning about asyncore
    from pyftpdlib.handlers import FTPHandler

    monkeypatch.setattr(FTPHandler, "auth_failed_timeout", 0)


@pytest.fixture
def login():
    """login(address, name, password): a client that is closed at the end."""
    clients = []

    def connect(address, *credentials, kind=ftplib.FTP):
        client = kind(timeout=SOON)
        clients.append(client)
        client.connect(*address)
        client.login(*credentials)
        return client

    yield connect
    for client in clients:
        client.close()


def read(client, path):
    data = io.BytesIO()
    client.retrbinary(f"RETR {path}", data.write)
    return data.getvalue()


def check(name, password):
    return (name, password) == ("ada", "lovelace") and current_app.name == "files"


def test_without_rules_everybody_reads_and_nobody_writes(app, folder, serving, login):
    app.ftp(folder)
    client = login(serving(app)["ftp"])
    assert client.nlst() == ["hello.txt"]
    assert read(client, "hello.txt") == b"hello\n"
    with pytest.raises(ftplib.error_perm, match="550"):
        client.storbinary("STOR mine.txt", io.BytesIO(b"x"))
    with pytest.raises(ftplib.error_perm, match="550"):
        client.delete("hello.txt")
    assert folder.joinpath("hello.txt").read_text() == "hello\n"


def test_the_app_says_who_may_come_in(app, folder, serving, login):
    """In an app context, as any function of the app's."""
    app.ftp(folder, authenticate=check)
    server = serving(app)
    assert login(server["ftp"], "ada", "lovelace").nlst() == ["hello.txt"]
    for wrong in [("ada", "wrong"), ("bob", "lovelace"), ("anonymous", "x")]:
        with pytest.raises(ftplib.error_perm, match="530"):
            login(server["ftp"], *wrong)


def test_the_app_says_what_may_be_done_and_where(app, folder, serving, login):
    asked = set()

    def may(name, action, path):
        asked.add((name, action, path))
        return action == "read" or path.startswith("/inbox")

    (folder / "inbox").mkdir()
    app.ftp(folder, authenticate=check, may=may)
    client = login(serving(app)["ftp"], "ada", "lovelace")
    client.storbinary("STOR inbox/new.txt", io.BytesIO(b"from ada"))
    assert (folder / "inbox" / "new.txt").read_bytes() == b"from ada"
    with pytest.raises(ftplib.error_perm, match="550"):
        client.storbinary("STOR new.txt", io.BytesIO(b"x"))
    assert {("ada", "write", "/inbox/new.txt"), ("ada", "write", "/new.txt")} <= asked


def test_nothing_outside_of_the_folder_is_reached(app, folder, serving, login):
    """Neither by dots nor by a link."""
    (folder / "link").symlink_to(folder.parent / "secret.txt")
    app.ftp(folder, may=lambda *_: True)
    client = login(serving(app)["ftp"])
    for path in ("../secret.txt", "/../secret.txt", "link", str(folder.parent / "secret.txt")):
        with pytest.raises(ftplib.error_perm, match="550"):
            read(client, path)


def test_passive_ports_are_those_that_were_given(app, folder, serving, login, free_ports):
    app.ftp(folder, passive_ports=free_ports)
    client = login(serving(app)["ftp"])
    assert client.makepasv()[1] in free_ports


def test_a_session_is_a_connection_of_the_service(app, folder, serving, login):
    """Counted while it lasts, and cut at the deadline of a stop."""
    app.ftp(folder)
    server = serving(app, timeouts={"graceful": 0})
    client = login(server["ftp"])
    assert server.counters("ftp").active == 1
    server.stop()
    with pytest.raises((EOFError, OSError)):
        client.nlst()


def test_with_a_certificate_nothing_is_said_in_clear(app, folder, serving, login, certificate):
    app.ftp(folder, authenticate=check, certificate=certificate)
    server = serving(app)
    with pytest.raises(ftplib.error_perm, match="550"):
        login(server["ftp"], "ada", "lovelace")
    client = login(server["ftp"], "ada", "lovelace", kind=ftplib.FTP_TLS)
    with pytest.raises(ftplib.error_perm, match="550"):
        client.nlst()
    client.prot_p()
    assert client.nlst() == ["hello.txt"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("is_secure", [False, True], ids=["FTP", "FTPS"])
def test_curl_takes_and_brings(app, folder, serving, tmp_path, certificate, is_secure):
    app.ftp(folder, authenticate=check, may=lambda *_: True, certificate=certificate if is_secure else None)
    host, port = serving(app)["ftp"]
    url = f"ftp://{host}:{port}/"
    curl = ["curl", "-sS", "--max-time", str(SOON), "-u", "ada:lovelace", *(["--ssl-reqd", "--insecure"] if is_secure else [])]
    ran = {"capture_output": True, "env": os.environ | {"LD_PRELOAD": ""}}  # curl hangs under AddressSanitizer
    assert subprocess.run([*curl, url + "hello.txt"], check=True, **ran).stdout == b"hello\n"
    (tmp_path / "up.txt").write_bytes(b"x" * 100_000)
    subprocess.run([*curl, "-T", tmp_path / "up.txt", url + "up.txt"], check=True, **ran)
    assert (folder / "up.txt").read_bytes() == b"x" * 100_000


def test_a_folder_that_is_none_is_refused_at_once(app, tmp_path):
    with pytest.raises(UsageError, match="expected a folder, got"):
        app.ftp(tmp_path / "nowhere")


def test_without_the_extra_the_message_says_what_to_install(app, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyftpdlib.ioloop", None)
    with pytest.raises(UsageError, match=r"pip install 'kolben\[ftp\]'"):
        app.ftp(folder)


@pytest.fixture
def free_ports():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return [each.getsockname()[1] for each in (one, other)]
