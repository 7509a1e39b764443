"""Chunks: written and read again they are the same; broken ones are refused exactly where the grammar ends.

KOLBEN_EXAMPLES says how many bodies are tried.
"""

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models import chunked_body
from tests.wire.test_chunk import BAD, GOOD, bytewise, decode

from kolben.wire._writer import Output

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "150"))
thorough = settings(max_examples=EXAMPLES, deadline=None)
PIECES = [
    b"0",
    b"1",
    b"a",
    b"F",
    b";",
    b"=",
    b'"',
    b"\\",
    b" ",
    b"\t",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"X: y",
    b"Host: ",
    b"x",
    b"\0",
    b"\xff",
    b"1\r\nx\r\n",
    b"0\r\n",
]


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.integers(1, 50))
@thorough
def test_what_is_written_in_chunks_is_read_again(chunks, step):
    """RFC 9112, section 7.1."""
    output = Output()
    for chunk in chunks:
        output.write_chunk(chunk)
    output.write_last_chunk()
    data = bytes(output) + b"rest"
    pieces = [data[i : i + step] for i in range(0, len(data), step)]
    assert decode(*pieces) == (b"".join(chunks), b"rest")


@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join), st.sampled_from([*GOOD, *BAD]), st.binary(max_size=20)))
@thorough
def test_what_is_taken_is_what_the_grammar_says(data):
    seen = decode(data, limit=0)
    taken = seen if isinstance(seen[0], bytes) and seen[1] is not None else None
    assert taken == chunked_body.decode(data)
    assert bytewise(data, limit=0) == seen
