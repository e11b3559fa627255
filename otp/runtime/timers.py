"""The timers of a tree: one task that sleeps until the next of them."""

import heapq
from collections.abc import Callable
from itertools import count
from math import inf

import anyio

from otp.core.inputs import Timer, TimerFired
from otp.runtime import ports


class Alarm:
    """Sleeps until a time of the tree's clock, or until an earlier one is set meanwhile."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._asleep_until = inf
        self._earlier = anyio.Event()

    def set(self, at: float) -> None:
        """Wake the sleeper if it sleeps for longer than that."""
        if at < self._asleep_until:
            self._asleep_until = at
            self._earlier.set()

    async def sleep(self, until: float) -> float:
        """Sleep; returns the time that has come."""
        self._earlier = anyio.Event()
        self._asleep_until = until
        with anyio.CancelScope(deadline=until) as slept:
            await self._earlier.wait()
        # An event loop may wake a clock tick early; what was slept for is due all the same.
        return max(self._now(), self._asleep_until) if slept.cancelled_caught else self._now()


class _Entry:
    __slots__ = ("supervisor", "timer")

    def __init__(self, supervisor: ports.Supervisor, timer: Timer) -> None:
        self.supervisor: ports.Supervisor | None = supervisor  # None: cancelled
        self.timer = timer


class Timers:
    """Deadlines in order of time; cancelled ones stay in the heap, emptied, until they are half of it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._alarm = Alarm(now)
        self._heap: list[tuple[float, int, _Entry]] = []
        self._armed: dict[tuple[int, str], _Entry] = {}  # by supervisor and child, which has one timer at a time
        self._number = count()

    def set(self, supervisor: ports.Supervisor, timer: Timer, at: float) -> None:
        """Feed `supervisor` with `TimerFired(timer)` at this time of the tree's clock."""
        entry = self._armed[id(supervisor), timer.child] = _Entry(supervisor, timer)
        heapq.heappush(self._heap, (at, next(self._number), entry))
        self._alarm.set(at)

    def cancel(self, supervisor: ports.Supervisor, timer: Timer) -> None:
        """Forget the timer; nothing happens if it is not armed."""
        entry = self._armed.pop((id(supervisor), timer.child), None)
        if entry is not None:
            entry.supervisor = None
            if len(self._heap) > 2 * len(self._armed) + 64:
                self._heap = [waiting for waiting in self._heap if waiting[2].supervisor is not None]
                heapq.heapify(self._heap)

    async def run(self) -> None:
        """Sleep and fire, until cancelled."""
        while True:
            self._fire(await self._alarm.sleep(self._heap[0][0] if self._heap else inf))

    def _fire(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            _, _, entry = heapq.heappop(self._heap)
            if entry.supervisor is not None:
                self._armed.pop((id(entry.supervisor), entry.timer.child), None)
                entry.supervisor.feed(TimerFired(entry.timer))
