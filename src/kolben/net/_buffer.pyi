"""Pooled input memory: lent while bytes wait, given back when none do."""

from typing import Self

from typing_extensions import disjoint_base

@disjoint_base
class BlockPool:
    """Lends blocks of memory and keeps some free ones.  Not thread-safe: one owner, one thread at a time.

    Args:
        block_size: Bytes of a usual block.
        keep: How many free ones of them to keep.

    Raises:
        ValueError: a block of no bytes, or fewer than 0 blocks.
    """

    def __new__(cls, block_size: int, keep: int) -> Self: ...
    @property
    def block_size(self) -> int:
        """Bytes of a usual block."""

    @property
    def keep(self) -> int:
        """How many free blocks are kept at most."""

    @property
    def free_count(self) -> int:
        """How many free blocks are kept now."""

    @property
    def lent(self) -> int:
        """How many blocks are lent now; 0 when every owner has given back."""

    def trim(self) -> None:
        """Give the free blocks back to the system."""

@disjoint_base
class LentBlock:
    """Bytes in pooled memory, first in, first out: holds a block only while there are bytes."""

    def __new__(cls, pool: BlockPool) -> Self: ...
    @property
    def capacity(self) -> int:
        """Bytes of the block it holds now; 0 while it is empty."""

    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes:
        """A copy of the bytes."""

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Copy bytes to the end.

        Raises:
            MemoryError: there is no room; nothing has changed.
        """

    def consume(self, n: int) -> None:
        """Drop the first n bytes.

        Raises:
            ValueError: there are not so many.
        """

    def release(self) -> None:
        """Drop all bytes and give the block back."""
