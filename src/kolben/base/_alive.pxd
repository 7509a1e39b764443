"""The map of the counters of living objects."""

cdef enum:
    CONNECTIONS           # objects, open or not
    REQUESTS
    BLOCKS                # of input memory, lent
    TASKS                 # of views and of lazy bodies
    STREAMS               # that tasks wait on, open or not
    LEASES                # that the watchdog has
    KINDS

# Changed where such an object begins and ends, with the GIL held.
cdef long counts[KINDS]
