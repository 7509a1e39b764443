"""Input memory is lent while bytes wait, given back when none do, and never lost."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben.net._buffer import BlockPool, LentBlock


@pytest.fixture
def pool():
    pool = BlockPool(16, 2)
    yield pool
    gc.collect()
    assert pool.lent == 0


def test_an_empty_buffer_holds_no_memory(pool):
    """Idle connections cost no block (D9)."""
    block = LentBlock(pool)
    assert (bytes(block), len(block), block.capacity, pool.lent) == (b"", 0, 0, 0)
    block.append(b"")
    assert pool.lent == 0
    block.append(b"abc")
    assert (bytes(block), pool.lent) == (b"abc", 1)
    block.consume(3)
    assert (block.capacity, pool.lent) == (0, 0)


def test_a_block_that_is_given_back_is_lent_again(pool):
    """Its bytes are not seen by the next."""
    first = LentBlock(pool)
    first.append(b"secret")
    first.release()
    assert pool.free_count == 1
    second = LentBlock(pool)
    second.append(b"x")
    assert (bytes(second), pool.free_count) == (b"x", 0)


def test_only_so_many_free_blocks_are_kept(pool):
    """A burst does not stay in memory."""
    blocks = [LentBlock(pool) for _ in range(5)]
    for block in blocks:
        block.append(b"x")
    assert pool.lent == 5
    for block in blocks:
        block.release()
    assert (pool.lent, pool.free_count) == (0, pool.keep)


def test_trim_gives_free_blocks_back_and_leaves_lent_ones(pool):
    """What is lent is somebody's."""
    kept, freed = LentBlock(pool), LentBlock(pool)
    kept.append(b"kept")
    freed.append(b"freed")
    freed.release()
    pool.trim()
    assert (pool.free_count, pool.lent, bytes(kept)) == (0, 1, b"kept")


def test_bytes_move_to_the_front_before_a_block_grows(pool):
    """Consumed room is used again."""
    block = LentBlock(pool)
    block.append(bytes(range(14)))
    block.consume(12)
    block.append(b"0123456789abcd")
    assert (bytes(block), block.capacity) == (b"\x0c\x0d0123456789abcd", 16)


def test_a_block_that_grew_is_not_kept(pool):
    """One long head does not make every later one expensive."""
    block = LentBlock(pool)
    block.append(bytes(16))
    block.append(b"x")
    assert block.capacity == 32
    assert (pool.lent, pool.free_count) == (1, 1)
    block.release()
    assert (pool.lent, pool.free_count) == (0, 1)


def test_a_first_need_beyond_a_block_gets_just_that(pool):
    """Only growth doubles."""
    block = LentBlock(pool)
    block.append(bytes(1000))
    assert block.capacity == 1000


def test_growing_is_linear_in_the_bytes(pool):
    """Bytes that come one by one double the block; they do not copy it each time."""
    block = LentBlock(pool)
    capacities = set()
    for _ in range(10_000):
        block.append(b"x")
        capacities.add(block.capacity)
    assert len(capacities) <= 11
    assert block.capacity <= 2 * 10_000


@pytest.mark.parametrize("nth", range(8))
def test_without_memory_a_growing_block_keeps_its_bytes(pool, nth):
    """Whichever allocation fails: all of it is appended, or a MemoryError is raised and nothing has changed."""
    testcapi = pytest.importorskip("_testcapi")
    block = LentBlock(pool)
    block.append(b"kept")
    more = bytes(100)
    appended = True
    testcapi.set_nomemory(nth, nth + 1)
    try:
        block.append(more)
    except MemoryError:
        appended = False
    finally:
        testcapi.remove_mem_hooks()
    assert (bytes(block), pool.lent) == (b"kept" + more if appended else b"kept", 1)


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"xabc")[1:]])
def test_whatever_holds_bytes_is_appended(pool, data):
    """Copied: the giver may change its own."""
    block = LentBlock(pool)
    block.append(data)
    if isinstance(data, bytearray):
        data.clear()
    assert bytes(block) == b"abc"


@pytest.mark.parametrize("n", [-1, 4, 2**62])
def test_no_more_is_consumed_than_there_is(pool, n):
    """The message says how many there are."""
    block = LentBlock(pool)
    block.append(b"abc")
    with pytest.raises(ValueError, match="expected 0 to 3 bytes"):
        block.consume(n)


@pytest.mark.parametrize(("block_size", "keep"), [(0, 1), (-1, 1), (2**62, 1), (16, -1)])
def test_a_pool_without_sense_is_refused(block_size, keep):
    """The message says what was expected."""
    with pytest.raises(ValueError, match="expected"):
        BlockPool(block_size, keep)


def test_a_pool_outlives_its_owners_in_any_order():
    """A block may come back after everybody else forgot the pool, also by the collector."""
    block = LentBlock(BlockPool(16, 2))
    block.append(b"x")
    cycle = [block]
    cycle.append(cycle)
    del block, cycle
    gc.collect()


@given(st.lists(st.one_of(st.binary(max_size=70), st.integers(0, 70)), max_size=60), st.integers(1, 40))
def test_bytes_come_out_as_they_went_in(steps, block_size):
    """Whatever the blocks are: first in, first out (model: a bytearray)."""
    pool = BlockPool(block_size, 1)
    block, model = LentBlock(pool), bytearray()
    for step in steps:
        if isinstance(step, bytes):
            block.append(step)
            model += step
        else:
            n = min(step, len(model))
            block.consume(n)
            del model[:n]
        assert bytes(block) == model
        assert pool.lent == (1 if model else 0)
