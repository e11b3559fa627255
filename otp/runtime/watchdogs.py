"""The watchdogs of a tree: one task that sleeps until the first of them is due, and looks at that child only.

A sign of life arms nothing: it leaves its time, and whoever looks goes to sleep again until as long after it.
"""

import heapq
from collections.abc import Callable
from itertools import count
from math import inf
from typing import TYPE_CHECKING

import anyio

from otp.core.inputs import Silent
from otp.core.paths import join
from otp.errors import Hung
from otp.foreign.guard import CallFailed, Role, call, name_of, refuse_awaitable
from otp.runtime.beat import Pulse
from otp.runtime.crash import describe
from otp.runtime.stack import chain_of
from otp.watchdog import Watchdog

if TYPE_CHECKING:
    from otp.runtime.child import TaskChild
    from otp.runtime.supervisor import RunningSupervisor

__all__ = ("LATE", "Watch", "Watchdogs")

LATE = 0.1
"""Seconds by which a look is late when the event loop has been standing still: then the child could not stir either."""


class Watch:
    """A child with a watchdog.

    Attributes:
        pulse: what it beats.
        at: when somebody looks next.
        over: nobody looks any more.
    """

    __slots__ = ("_child", "_owner", "_seen", "_spared", "_watchdog", "at", "number", "over", "pulse")

    def __init__(self, owner: "RunningSupervisor", child: "TaskChild", watchdog: Watchdog) -> None:
        self.pulse = Pulse(owner.tree.now)
        self.at = inf
        self.number = 0
        self.over = False
        self._owner = owner
        self._child = child
        self._watchdog = watchdog
        self._seen: object = _NOTHING
        self._spared = False

    def __lt__(self, other: "Watch") -> bool:
        return (self.at, self.number) < (other.at, other.number)

    def begin(self, number: int) -> None:
        """The child is up: its time runs."""
        self.number = number
        self.pulse.renew()
        self._progress()
        self.at = self.pulse.last + self._watchdog.within

    def look(self, now: float) -> None:
        """Its time may be over: by its last sign of life it is, or there is a new time to look at."""
        crash = self._progress()
        fresh, self.pulse.fresh = self.pulse.fresh, False
        due = self.pulse.last + self._watchdog.within
        if due > now or fresh:
            self.at, self._spared = (due if due > now else now + self._watchdog.within), False
        elif now - self.at > LATE and not self._spared:
            self.at, self._spared = now + min(now - self.at, self._watchdog.within), True
        else:
            self.over = True
            self._tell(now - self.pulse.last, crash)

    def _progress(self) -> BaseException | None:
        """Take what has changed for a sign of life; what `progress` raised, if it did."""
        if self._watchdog.progress is None:
            return None
        value = call(Role.PROGRESS, "", self._watchdog.progress)
        if type(value) is CallFailed:
            return self._failed(value)
        differs = self._seen is _NOTHING or call(Role.PROGRESS, self._name, _differ, value, self._seen)
        if type(differs) is CallFailed:
            return self._failed(differs)
        if differs:
            self._seen = value
            self.pulse.renew()
        return None

    @property
    def _name(self) -> str:
        return name_of(self._watchdog.progress)

    def _failed(self, failure: CallFailed) -> BaseException | None:
        """It tells of no progress, and that it could not is told."""
        reporter = self._owner.tree.reporter
        reporter.call_failed(join(self._owner.machine.path, self._child.id), failure)
        reporter.wake()
        return failure.error if failure.interrupt is None else None

    def _tell(self, seconds: float, crash: BaseException | None) -> None:
        path = join(self._owner.machine.path, self._child.id)
        hung = Hung(path, seconds, chain_of(self._child))
        hung.__cause__ = crash
        text = describe(crash) if crash is not None else None
        self._owner.feed(Silent(self._child.id, self._child.generation, hung, text))


_NOTHING = object()


def _differ(value: object, seen: object) -> bool:
    said: object = value != seen
    refuse_awaitable(Role.PROGRESS, said)
    return bool(said)


class Watchdogs:
    """Children with a watchdog, in the order in which they are looked at; those that ended stay until half have."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._heap: list[Watch] = []
        self._over = 0
        self._number = count()
        self._asleep_until = inf
        self._earlier = anyio.Event()

    def watch(self, owner: "RunningSupervisor", child: "TaskChild", watchdog: Watchdog) -> Watch:
        """What `begin` is told when the child is up, and `end` when it has ended."""
        return Watch(owner, child, watchdog)

    def begin(self, watch: Watch) -> None:
        """Look at this child from now on."""
        watch.begin(next(self._number))
        self._push(watch)
        if watch.at < self._asleep_until:
            self._asleep_until = watch.at
            self._earlier.set()

    def end(self, watch: Watch) -> None:
        """The child has ended; also one that was never up."""
        if watch.over or watch.at == inf:
            return
        watch.over = True
        self._over += 1
        if self._over > len(self._heap) // 2 + 64:
            self._heap = [watch for watch in self._heap if not watch.over]
            heapq.heapify(self._heap)
            self._over = 0

    async def run(self) -> None:
        """Sleep and look, until cancelled."""
        while True:
            self._earlier = anyio.Event()
            self._asleep_until = self._heap[0].at if self._heap else inf
            with anyio.CancelScope(deadline=self._asleep_until) as slept:
                await self._earlier.wait()
            # An event loop may wake a clock tick early; what was slept for is due all the same.
            self._look(max(self._now(), self._asleep_until) if slept.cancelled_caught else self._now())

    def _look(self, now: float) -> None:
        while self._heap and self._heap[0].at <= now:
            watch = heapq.heappop(self._heap)
            if watch.over:
                self._over -= 1
                continue
            watch.look(now)
            if not watch.over:
                self._push(watch)

    def _push(self, watch: Watch) -> None:
        heapq.heappush(self._heap, watch)
