"""The chat example: the room without a socket, and people who come over one."""

import pytest


@pytest.fixture
def chat(example):
    return example("protocols/chat")


def told(member):
    lines = []
    while not member.lines.empty():
        lines.append(member.lines.get_nowait())
    return lines


def nobody():
    raise AssertionError("shown out")


def test_what_one_says_is_told_to_all(chat):
    room = chat.Room()
    ada, bob = room.join(nobody), room.join(nobody)
    told(ada), told(bob)
    assert room.hear(ada, "hello")
    assert told(ada) == told(bob) == ["guest1: hello"]


def test_a_name_is_one_persons(chat):
    room = chat.Room()
    ada, bob = room.join(nobody), room.join(nobody)
    room.hear(ada, "/nick Ada")
    told(bob)
    room.hear(bob, "/nick Ada")
    room.hear(bob, "/nick a b")
    assert told(bob) == ["* Ada is somebody else", "* expected a name of at most 20 letters and digits"]
    room.hear(bob, "/who")
    assert told(bob) == ["* Ada, guest2"]


def test_who_quits_is_gone(chat):
    room = chat.Room()
    ada, bob = room.join(nobody), room.join(nobody)
    told(bob)
    assert not room.hear(ada, "/quit")
    room.leave(ada)
    assert told(bob) == ["* guest1 has gone"]
    assert list(room.members) == ["guest2"]


def test_who_does_not_read_is_shown_out(chat):
    """A hundred lines may wait, not more."""
    room, gone = chat.Room(), []
    stuck = room.join(lambda: gone.append("stuck"))
    while not gone:
        room.hear(stuck, "hello")
    assert stuck.lines.qsize() == chat.WAITING


def test_people_meet_over_sockets(chat, serving, slow_client, peer):
    server = serving(chat.app)
    ada = slow_client(server["chat"])
    ada.receive_until(b"/quit\n")
    bob = peer(server["chat"])
    bob.receive_until(b"/quit\n")
    ada.receive_until(b"guest2 has come\n")
    ada.send(b"hello\r\n")
    assert bob.receive_until(b"\n") == b"guest1: hello\n"
    ada.send(b"/quit\n")
    assert ada.rest() == b"guest1: hello\n"
    assert bob.receive_until(b"\n") == b"* guest1 has gone\n"
    bob.reset()
