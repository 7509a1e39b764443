"""What the supervisor is made of, part by part: processors, shared numbers, the leash, the pid file, the service manager."""

import os
import socket

import pytest

from kolben.base import UsageError
from kolben.server.cpus import usable_cpus
from kolben.server.leash import leash_pair
from kolben.server.obituary import cause
from kolben.server.pidfile import PidFile, find_pid, read_outcome
from kolben.server.probe import judge
from kolben.server.recycling import Recycling, memory_of
from kolben.server.scores import Scores, Tally, milliseconds
from kolben.server.systemd import Notifier, take_activated

# --- processors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        ("0::/", {"cpu.max": "150000 100000"}, 2),
        ("0::/shop/web", {"shop/cpu.max": "100000 100000", "shop/web/cpu.max": "max 100000"}, 1),
        ("0::/", {"cpu.max": "max 100000"}, 8),
        ("0::/host/only", {"cpu.max": "300000 100000"}, 3),
        ("4:cpu,cpuacct:/web", {"cpu/web/cpu.cfs_quota_us": "250000", "cpu/web/cpu.cfs_period_us": "100000"}, 3),
        ("4:cpu,cpuacct:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ("4:cpuset:/web", {"cpu/web/cpu.cfs_quota_us": "100000", "cpu/web/cpu.cfs_period_us": "100000"}, 8),
        ("0::/", {"cpu.max": "10000 100000"}, 1),
        ("0::/", {"cpu.max": "nonsense"}, 8),
        ("", {}, 8),
    ],
)
def test_a_control_groups_quota_bounds_the_processors_to_use(cgroup, files, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for name, text in {"proc/self/cgroup": cgroup, **{f"sys/fs/cgroup/{name}": text for name, text in files.items()}}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert usable_cpus(tmp_path) == expected


# --- shared numbers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def scores():
    scores = Scores.make()
    yield scores
    scores.close()


def note(scores, connections, *, accepts=1, beat=None):
    scores.row = scores.open_row()
    scores.note(Tally(accepts, connections, beat=milliseconds() if beat is None else beat))


@pytest.mark.parametrize(("own", "fits"), [(17, True), (18, True), (19, True), (20, False), (40, False)])
def test_a_worker_holds_back_when_it_is_an_eighth_and_one_above_the_average(scores, own, fits):
    for connections in (16, 16, 16 + 16 - own):
        note(scores, connections)
    note(scores, own)
    assert scores.may_accept(own) is fits


def test_a_worker_alone_always_accepts(scores):
    note(scores, 0)
    assert all(scores.may_accept(connections) for connections in (0, 1, 1000))


@pytest.mark.parametrize("other", [{"accepts": 0}, {"beat": 1}])
def test_who_drains_or_hangs_is_not_waited_for(scores, other):
    note(scores, 0, **other)
    note(scores, 50)
    assert scores.may_accept(50)


def test_connections_of_services_count_as_much_as_those_of_http(scores):
    """A worker that holds a thousand chats takes fewer requests."""
    note(scores, 0)
    scores.row = scores.open_row()
    scores.note(Tally(accepts=1, connections=0, beat=milliseconds(), services=1000))
    assert not scores.may_accept(0)
    assert scores.read(scores.row).services == 1000


def test_a_row_that_was_given_back_is_given_out_again_empty(scores):
    note(scores, 5)
    scores.close_row(scores.row)
    row = scores.open_row()
    assert (row, scores.read(row)) == (1, Tally())


# --- the leash ---------------------------------------------------------------------------------------------------------------


def test_messages_arrive_whole_wherever_they_were_cut():
    leash, theirs = leash_pair()
    heard = []
    with theirs:
        for byte in b'{"message": "ready"}\n{"message": "draining"}\n':
            theirs.send(bytes([byte]))
            heard += leash.heard()
    assert [each["message"] for each in heard] == ["ready", "draining"]
    assert not leash.is_cut
    assert leash.heard() == []
    assert leash.is_cut
    assert not leash.say("serve")
    leash.close()


# --- the pid file ------------------------------------------------------------------------------------------------------------


def test_the_pid_file_of_a_living_server_names_it(tmp_path):
    path = tmp_path / "pid"
    pid_file = PidFile(path)
    assert find_pid(path) == int(path.read_text()) == os.getpid()
    with pytest.raises(UsageError, match=f"runs already .*pid {os.getpid()}"):
        PidFile(path)
    pid_file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_pid_file_that_was_left_behind_is_told_and_taken_over(tmp_path):
    path = tmp_path / "pid"
    path.write_text("1\n")
    with pytest.raises(UsageError, match="left behind"):
        find_pid(path)
    pid_file = PidFile(path)
    assert find_pid(path) == os.getpid()
    pid_file.close()


def test_what_came_of_a_reload_stands_beside_the_pid_file(tmp_path):
    pid_file = PidFile(tmp_path / "pid")
    before = read_outcome(tmp_path / "pid")["reloads"]
    pid_file.note(generation=1, refused="no module named shop")
    assert read_outcome(tmp_path / "pid") == {"reloads": before + 1, "generation": 1, "refused": "no module named shop"}
    pid_file.close()
    assert read_outcome(tmp_path / "pid") == {}


# --- the service manager -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pid", "count", "binds"),
    [("own", "2", ["fd://3", "fd://4"]), ("1", "2", []), ("own", "", []), ("own", "-1", []), ("own", "٣", []), ("", "1", [])],
)
def test_activated_sockets_are_taken_only_if_they_are_meant_for_this_process(pid, count, binds):
    environment = {"LISTEN_PID": str(os.getpid()) if pid == "own" else pid, "LISTEN_FDS": count, "LISTEN_FDNAMES": "web"}
    assert take_activated(environment) == binds
    assert environment == {}, "children must not take them a second time"


def test_the_service_manager_is_told_how_things_stand(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "4000000"}
        notifier = Notifier(environment)
        notifier.ready("generation 1 serves")
        notifier.alive()
        notifier.stopping()
        told = [manager.recv(1024).decode() for _ in range(3)]
    assert (environment, notifier.watchdog) == ({}, 2.0)
    assert told[0].startswith("READY=1\nSTATUS=generation 1 serves\n")
    assert told[1:] == ["WATCHDOG=1", "STOPPING=1"]


def test_without_a_service_manager_nothing_is_told():
    Notifier({}).ready("nobody listens")


# --- the rest ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"requests": 100}, "100 requests"),
        ({"requests": 101}, None),
        ({"age": 60.0}, "60 s"),
        ({"age": 61.0}, None),
        ({"memory": 1}, "bytes of memory"),
        ({"memory": 1 << 50}, None),
        ({}, None),
    ],
)
def test_a_worker_is_relieved_when_one_of_its_limits_is_reached(limits, reason):
    said = Recycling(**limits).reason(100, 60.0, os.getpid())
    assert (said is None) if reason is None else reason in said


def test_equal_workers_get_limits_that_differ_by_the_jitter_at_most():
    limits = [Recycling(requests=1000, jitter=0.1).jittered().requests for _ in range(50)]
    assert len(set(limits)) > 1
    assert all(900 <= limit <= 1100 for limit in limits)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.1 302 FOUND\r\n\r\n", None),
        (b"HTTP/1.1 503 X\r\n\r\nno database", "got 503: no database"),
        (b"HTTP/1.1 404 NOT FOUND\r\n\r\n", "got 404"),
        (b"", "got 0"),
    ],
)
def test_the_probe_wants_success_or_a_redirect(answer, problem):
    said = judge("/healthz", answer)
    assert (said is None) if problem is None else problem in said


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exit status 0"), (3, "exit status 3"), (-11, "died of SIGSEGV"), (-9, "died of SIGKILL (the system may")],
)
def test_an_end_is_told_in_words(status, words):
    assert words in cause(status)


def test_the_memory_of_a_process_that_is_gone_is_nothing():
    assert memory_of(2**22 + 1) == 0 < memory_of(os.getpid())
