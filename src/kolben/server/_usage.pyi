"""Whether a long call was slow, or the machine was busy."""

def share_of(lasted: int, before: tuple[int, int, int], after: tuple[int, int, int]) -> int:
    """What a call lasted to its own account; for tests.  Each look is (worked, waits, holds)."""
