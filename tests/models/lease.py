"""The lease on the server's core as a state machine, and a walk through every interleaving of it.

The world: the loop's thread, which serves and runs inline calls; the watchdog's thread, which takes the lease from a call that lasts;
a pool; peers that send requests when they like; a stop at any moment.  Everything between two moves happens under the GIL and is one
step here.  Time is not modelled: whatever may come late may come at once, so the ten milliseconds of a call are "perhaps now".

Kinds of requests: `i` runs inline where that is allowed, `p` in the pool, `a` as a task of the loop.

What src/kolben/server/_lease.pyx, _agenda.pyx, _reactor.pyx and watchdog.py do has to be kept in step with this by hand.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

LOOP, CALL, TAKEN, WANTED = "loop", "call", "taken", "wanted"  # the states of the lease
LISTEN, WAKE, STOP = "listen", "wake", "stop"

# Mistakes that the walk has to find, one at a time: a checker that finds nothing proves nothing.
FAULTS = frozenset(
    {
        "the late call goes on without the lease",
        "the late answer is posted before the lease is back",
        "the late call does not wake the watchdog",
        "the watchdog is woken before it is told",
        "the ready list stands in the frame of the turn",
        "the watchdog does not look again before it takes",
        "the watchdog falls asleep without looking",
        "the watchdog throws the batch away",
        "the watchdog starts tasks",
        "a turn does not come back for what is left",
        "the stop does not wake the watchdog",
    }
)


class Broken(AssertionError):
    """A rule that holds in every state does not hold."""


class Peer(NamedTuple):
    """A connection, with what its peer will send and what has become of it."""

    coming: str = ""  # requests that were not sent yet
    socket: str = ""  # sent, and unread
    kept: str = ""  # read, and not begun
    doing: str = ""  # the kind of the request that runs
    is_open: bool = False
    readable: bool = False


class State(NamedTuple):
    """All of it."""

    peers: tuple[Peer, ...]
    lease: str = LOOP
    loop: str = "idle"  # idle, turn, call, waiting, joining, ended
    caller: int = -1  # whose call runs in the loop's thread
    frame: str = ""  # what that call's frames still hold of the peer's bytes
    hidden: tuple = ()  # a ready list that they hold: a fault
    watchdog: str = "asleep"  # asleep, watching, decided, serving, polling, polled, gone
    bell: bool = False  # wakes the watchdog
    door: bool = False  # lets the loop's thread go on
    edges: frozenset = frozenset()  # what the kernel has to tell
    grabbed: tuple = ()  # what it told the watchdog, which does not have the GIL yet
    batch: tuple = ()
    ready: tuple = ()
    done: tuple = ()  # answers that threads have posted
    for_loop: tuple = ()  # what only the loop's thread may do
    tasks: frozenset = frozenset()
    pool: frozenset = frozenset()
    scheduled: bool = False  # the loop was asked for a turn
    stopping: bool = False
    asked: bool = True  # the stop was asked for, or will not be

    def with_peer(self, index, **changes):
        peers = list(self.peers)
        peers[index] = peers[index]._replace(**changes)
        return self._replace(peers=tuple(peers))


class Protocol:
    """The moves, with some of FAULTS or none."""

    def __init__(self, *faults):
        assert set(faults) <= FAULTS
        self.faults = frozenset(faults)

    def moves(self, state):
        """Every (name, next state)."""
        yield from self.peers_and_pool(state)
        yield from getattr(self, "loop_" + state.loop)(state)
        yield from getattr(self, "watchdog_" + state.watchdog)(state)

    # ---- the world around

    def peers_and_pool(self, s):
        for index, peer in enumerate(s.peers):
            if peer.coming and not s.stopping:
                sent = s.with_peer(index, coming=peer.coming[1:], socket=peer.socket + peer.coming[0])
                yield "a peer sends", sent._replace(edges=s.edges | {index if peer.is_open else LISTEN})
        for index in s.pool:
            yield "a job ends", s._replace(pool=s.pool - {index}, done=(*s.done, index), edges=s.edges | {WAKE})
        if not s.asked:
            yield "a stop is asked for", s._replace(asked=True, for_loop=(*s.for_loop, STOP), edges=s.edges | {WAKE})

    # ---- steps of whoever holds the lease

    def check(self, s, who):
        holds = s.lease == LOOP if who == "loop" else s.lease in {TAKEN, WANTED}
        if not holds:
            raise Broken(f"{who} serves while the lease is {s.lease}")

    def step(self, s, who):
        """One step of the batch, of what was posted, or of the ready list; None if there is nothing to do."""
        self.check(s, who)
        if s.batch:
            return self.on_event(s._replace(batch=s.batch[1:]), s.batch[0], who)
        if s.done:
            index, s = s.done[0], s._replace(done=s.done[1:])
            return self.go_on(s.with_peer(index, doing=""), index, who)
        if who == "loop" and s.for_loop:
            return self.only_in_loop(s._replace(for_loop=s.for_loop[1:]), s.for_loop[0])
        if s.ready:
            index, s = s.ready[0], s._replace(ready=s.ready[1:])
            if "the ready list stands in the frame of the turn" in self.faults and who == "loop":
                s = s._replace(hidden=s.ready, ready=())
            return self.go_on(s, index, who)
        return None

    def on_event(self, s, event, who):
        if event == WAKE:
            return s
        if event == LISTEN:
            for index, peer in enumerate(s.peers):
                if peer.socket and not peer.is_open:
                    s = s.with_peer(index, is_open=True, readable=True)._replace(ready=(*s.ready, index))
            return s
        return self.go_on(s.with_peer(event, readable=True), event, who)

    def go_on(self, s, index, who):
        """Read, and begin the next request, unless one runs."""
        peer = s.peers[index]
        if peer.doing:
            return s
        if not peer.kept and peer.readable:
            peer = peer._replace(kept=peer.socket, socket="", readable=False)
        if not peer.kept:
            return s.with_peer(index, **peer._asdict())
        kind, rest = peer.kept[0], peer.kept[1:]
        if kind == "i" and who == "loop":
            s = s.with_peer(index, **peer._replace(doing="i", kept="")._asdict())
            return s._replace(lease=CALL, loop="call", caller=index, frame=rest, bell=s.bell or s.watchdog == "asleep")
        s = s.with_peer(index, **peer._replace(doing=kind, kept=rest)._asdict())
        if kind != "a":
            return s._replace(pool=s.pool | {index})
        if who == "loop" or "the watchdog starts tasks" in self.faults:
            return self.start_task(s, index, who)
        return s._replace(for_loop=(*s.for_loop, index))

    def start_task(self, s, index, who):
        if who != "loop":
            raise Broken("a task is started outside of the loop's thread")
        return s._replace(tasks=s.tasks | {index})

    def only_in_loop(self, s, what):
        return s._replace(stopping=True) if what == STOP else self.start_task(s, what, "loop")

    # ---- the loop's thread

    def loop_idle(self, s):
        for index in s.tasks:
            self.check(s, "loop")
            yield "a task ends", s.with_peer(index, doing="")._replace(tasks=s.tasks - {index}, ready=(*s.ready, index), scheduled=True)
        if s.scheduled:
            yield "a turn begins that was asked for", self.begin_turn(s._replace(scheduled=False))
        if s.edges:  # that of the poller's leaves the one that was asked for to come
            yield "a turn begins", self.begin_turn(s)
        if not s.edges and not s.scheduled and s.stopping and not any(peer.doing for peer in s.peers) and not s.pool:
            wakes = s.watchdog == "asleep" and "the stop does not wake the watchdog" not in self.faults
            yield "the loop ends", s._replace(loop="joining", bell=s.bell or wakes)

    def begin_turn(self, s):
        return s._replace(loop="turn") if s.batch else s._replace(loop="turn", batch=in_order(s.edges), edges=frozenset())

    def loop_turn(self, s):
        after = self.step(s._replace(hidden=(), ready=s.hidden + s.ready), "loop")
        if after is not None:
            yield "the loop's thread serves", after
        yield "a turn ends", self.end_turn(s)
        if not s.batch:  # a server that is behind looks whether it may rest
            yield "a turn ends with a look at what waits", self.end_turn(s._replace(batch=in_order(s.edges), edges=frozenset()))

    def end_turn(self, s):
        left = bool(s.batch or s.done or s.for_loop or s.ready)
        comes_back = left and "a turn does not come back for what is left" not in self.faults
        return s._replace(loop="idle", scheduled=s.scheduled or comes_back)

    def loop_call(self, s):
        index = s.caller
        if s.lease == CALL:
            s = s._replace(lease=LOOP, loop="turn", caller=-1, frame="").with_peer(index, doing="", kept=s.frame)
            yield "the call ends", self.go_on(s, index, "loop")
        elif s.lease == TAKEN:
            if "the late call goes on without the lease" in self.faults:
                yield "the call ends", s._replace(loop="turn", done=(*s.done, index), caller=-1)
                return
            if "the late answer is posted before the lease is back" in self.faults:
                s = s._replace(done=(*s.done, index))
            wakes = "the late call does not wake the watchdog" not in self.faults
            if "the watchdog is woken before it is told" in self.faults:
                yield "the call ends", s._replace(loop="telling", edges=s.edges | {WAKE})
                return
            yield "the call ends", s._replace(lease=WANTED, loop="waiting", edges=s.edges | {WAKE} if wakes else s.edges)

    def loop_telling(self, s):
        yield "the watchdog is told", s._replace(lease=WANTED, loop="waiting")

    def loop_waiting(self, s):
        """The late call has ended: its answer is posted as a thread's is, once the lease is back and nobody else touches its peer."""
        if s.door:
            index = s.caller
            if s.peers[index].doing != "i" or s.peers[index].kept:
                raise Broken("somebody went on with the peer of a late call")
            s = s._replace(door=False, loop="turn", caller=-1, frame="").with_peer(index, kept=s.frame)
            if "the late answer is posted before the lease is back" not in self.faults:
                s = s._replace(done=(*s.done, index))
            yield "the loop's thread goes on", s

    def loop_joining(self, s):
        if s.watchdog == "gone":
            yield "the server ends", s._replace(loop="ended")

    def loop_ended(self, s):
        return ()

    # ---- the watchdog's thread

    def watchdog_asleep(self, s):
        if s.bell:
            yield "the watchdog wakes", s._replace(bell=False, watchdog="watching")

    def watchdog_watching(self, s):
        if s.loop == "joining":
            yield "the watchdog ends", s._replace(watchdog="gone")
        elif s.lease == CALL:
            yield "the watchdog sees a call that lasts", s._replace(watchdog="decided")
        if s.loop != "joining" and (s.lease == LOOP or "the watchdog falls asleep without looking" in self.faults):
            yield "the watchdog falls asleep", s._replace(watchdog="asleep")

    def watchdog_decided(self, s):
        """It has the GIL now; the call that it saw without it may be over, and another one may run, which it spares or takes."""
        if s.lease != CALL:
            if "the watchdog does not look again before it takes" in self.faults:
                raise Broken(f"the watchdog takes a lease that is {s.lease}")
            yield "the call has ended meanwhile", s._replace(watchdog="watching")
            return
        yield "the watchdog spares another call", s._replace(watchdog="watching")
        yield "the watchdog takes the lease", s._replace(lease=TAKEN, watchdog="serving")

    def watchdog_serving(self, s):
        if s.lease == WANTED:  # it looks after each step, and may be in the middle of one
            yield "the watchdog gives the lease back", s._replace(lease=LOOP, door=True, watchdog="watching")
        if "the watchdog throws the batch away" in self.faults:
            s = s._replace(batch=())
        after = self.step(s, "watchdog")
        if after is not None:
            yield "the watchdog serves", after
        elif s.lease == TAKEN:
            yield "the watchdog polls", s._replace(watchdog="polling")

    def watchdog_polling(self, s):
        if s.edges:
            yield "the kernel tells the watchdog", s._replace(watchdog="polled", grabbed=in_order(s.edges), edges=frozenset())

    def watchdog_polled(self, s):
        yield "the watchdog has events", s._replace(watchdog="serving", grabbed=(), batch=s.batch + s.grabbed)

    def watchdog_gone(self, s):
        return ()


def in_order(edges):
    return tuple(sorted(edges, key=str))


def is_over(s):
    """Everything that was to happen has happened, and nobody waits for anybody."""
    if s.loop == "ended":
        return s.watchdog == "gone"
    answered = not any(peer.coming or peer.socket or peer.kept or peer.doing for peer in s.peers)
    return s.asked and not s.stopping and answered and s.loop == "idle" and s.lease == LOOP


def others_are_served(s):
    """Of what has been sent, everything but tasks, the late call's peer, and what waits behind a task is answered."""
    return all(not (peer.socket or peer.kept or peer.doing) or index == s.caller or peer.doing == "a" for index, peer in enumerate(s.peers))


def walk(protocol, *peers, stop=False):
    """Go every way from the beginning, and check the rules; return how many states there are."""
    first = State(tuple(Peer(coming) for coming in peers), asked=not stop)
    before = {first: []}  # state: [(name of the move, state before)]
    queue = deque([first])
    while queue:
        state = queue.popleft()
        for name, after in protocol.moves(state):
            known = after in before
            before.setdefault(after, []).append((name, state))
            if not known:
                queue.append(after)
    demand(before, before, is_over, "the end cannot be reached any more")
    # Without the end of the call: however long it lasts, it is rescued, and then the others are served.
    calls = [s for s in before if s.lease == CALL]
    demand(before, calls, lambda s: s.lease == TAKEN, "a call that lasts is not rescued", without={"the call ends"})
    late = [s for s in before if s.lease == TAKEN]
    demand(before, late, others_are_served, "the others freeze", without={"the call ends", "a peer sends"})
    # Without anybody's help: what the late call waits for comes from the watchdog alone.
    waiting = [s for s in before if s.lease == WANTED]
    alone = {"a peer sends", "a job ends", "a stop is asked for"}
    demand(before, waiting, lambda s: s.lease == LOOP, "the hand-back hangs", without=alone)
    return len(before)


def demand(before, states, goal, rule, without=frozenset()):
    """Raise unless a goal can be reached from each of the states by moves that are not in `without`."""
    good = {state for state in before if goal(state)}
    queue = deque(good)
    while queue:
        for name, state in before[queue.popleft()]:
            if name not in without and state not in good:
                good.add(state)
                queue.append(state)
    for state in states:
        if state not in good:
            raise Broken(f"{rule}: {state}")
