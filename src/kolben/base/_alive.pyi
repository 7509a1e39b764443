"""How many objects are alive of each kind that must not be lost."""

def alive() -> dict[str, int]:
    """Return the counts by name: connections, requests, blocks, tasks, streams, leases."""

def change(name: str, by: int) -> None:
    """Count an object that begins or ends in Python."""
