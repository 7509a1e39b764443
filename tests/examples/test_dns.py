"""The DNS example: answers without a socket, and dig as its judge."""

import shutil
import struct
import subprocess

import pytest


def query(name, kind=1, *, number=7, flags=0x0100, questions=1):
    wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack("!6H", number, flags, questions, 0, 0, 0) + wire + struct.pack("!2H", kind, 1)


def status(answer):
    return struct.unpack_from("!H", answer, 2)[0] & 15


def answers(reply):
    return struct.unpack_from("!H", reply, 6)[0]


@pytest.fixture
def dns(example):
    return example("protocols/dns")


def test_a_name_is_found_whatever_its_case(dns):
    """RFC 1035, section 2.3.3; the question is repeated as it was asked."""
    reply = dns.answer(query("Kolben.TEST"))
    assert (status(reply), answers(reply)) == (0, 1)
    assert reply.endswith(bytes([192, 0, 2, 1]))
    assert b"\6Kolben\4TEST\0" in reply


def test_each_type_is_asked_for_by_its_number(dns):
    assert [answers(dns.answer(query("kolben.test", kind))) for kind in (dns.A, dns.AAAA, dns.TXT, dns.ANY, 15)] == [1, 1, 1, 3, 0]
    assert answers(dns.answer(query("www.kolben.test"))) == 2


def test_a_name_that_is_not_there_is_told_so(dns):
    assert status(dns.answer(query("nowhere.test"))) == dns.NAME_ERROR


@pytest.mark.parametrize(
    "broken",
    [
        query("kolben.test")[:-1],
        query("kolben.test")[:20],
        query("kolben.test", questions=2),
        query("x")[:12] + b"\xc0\x0c" + query("x")[-4:],
        query(".".join(["a" * 50] * 6)),
    ],
)
def test_a_question_that_breaks_the_rules_is_answered_with_a_format_error(dns, broken):
    reply = dns.answer(broken)
    assert status(reply) == dns.FORMAT_ERROR
    assert len(reply) <= len(broken)


def test_an_answer_is_not_answered(dns):
    """Two servers would never stop talking."""
    assert dns.answer(dns.answer(query("kolben.test"))) is None
    assert dns.answer(b"short") is None


def test_what_does_not_fit_is_cut_and_says_so(dns):
    """Over UDP an answer has 512 bytes (section 4.2.1)."""
    reply = dns.answer(query("many.test", dns.TXT), {"many.test": {dns.TXT: ["x" * 100] * 10}})
    assert len(reply) <= 512
    assert struct.unpack_from("!H", reply, 2)[0] & dns.TRUNCATED


@pytest.mark.parametrize("size", range(40))
def test_any_bytes_get_an_answer_or_none(dns, size):
    reply = dns.answer(bytes(range(200, 200 + size)))
    assert reply is None or len(reply) >= 12


@pytest.mark.skipif(shutil.which("dig") is None, reason="dig is not installed")
@pytest.mark.parametrize(
    ("kind", "expected"), [("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("TXT", '"A piston, and a laboratory flask."')]
)
def test_dig_understands_it(dns, serving, kind, expected):
    host, port = serving(dns.app)["dns"]
    command = ["dig", f"@{host}", "-p", str(port), "kolben.test", kind, "+short", "+tries=1", "+time=10"]
    assert subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip() == expected
