"""How a test waits for what another thread or process does: for the fact, never for a time."""

import time

SOON = 40  # seconds that anything may take which should happen at once: less than pytest gives a test, so that it tells what failed
PAUSE = 0.002  # seconds


def until(fact, patience=SOON):
    """Wait until fact() is true; what it returned then.  On a busy machine it comes later, and that is no failure."""
    end = time.monotonic() + patience
    while not (value := fact()):
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(PAUSE)
    return value
