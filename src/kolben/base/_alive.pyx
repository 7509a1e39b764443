"""How many objects are alive of each kind that must not be lost: a test that leaves one behind fails (tests/server/conftest.py).

In every build: it costs two instructions an object, and a leak is found where it happens rather than where memory runs out.
"""

cdef tuple NAMES = ("connections", "requests", "blocks", "tasks", "streams", "leases")


def alive():
    return {name: counts[i] for i, name in enumerate(NAMES)}


def change(str name not None, long by):
    counts[NAMES.index(name)] += by
