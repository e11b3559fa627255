"""The timers of a tree: one task that sleeps until the next of them."""

import heapq
from collections.abc import Callable
from itertools import count
from math import inf
from typing import TYPE_CHECKING

import anyio

from otp.core.inputs import Timer, TimerFired

if TYPE_CHECKING:
    from otp.runtime.supervisor import RunningSupervisor

__all__ = ("Timers",)


class _Entry:
    __slots__ = ("owner", "timer")

    def __init__(self, owner: "RunningSupervisor", timer: Timer) -> None:
        self.owner: RunningSupervisor | None = owner  # None: cancelled
        self.timer = timer


class Timers:
    """Deadlines in order of their time; those that were cancelled stay in the heap, empty, until half of it is."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._heap: list[tuple[float, int, _Entry]] = []
        self._armed: dict[tuple[int, str], _Entry] = {}  # by owner and child, which has one timer at a time
        self._number = count()
        self._asleep_until = inf
        self._earlier = anyio.Event()

    def set(self, owner: "RunningSupervisor", timer: Timer, at: float) -> None:
        """Feed `owner` with `TimerFired(timer)` at this time."""
        entry = self._armed[id(owner), timer.child] = _Entry(owner, timer)
        heapq.heappush(self._heap, (at, next(self._number), entry))
        if at < self._asleep_until:
            self._asleep_until = at
            self._earlier.set()

    def cancel(self, owner: "RunningSupervisor", timer: Timer) -> None:
        """Forget the timer; nothing happens if it is not armed."""
        entry = self._armed.pop((id(owner), timer.child), None)
        if entry is not None:
            entry.owner = None
            if len(self._heap) > 2 * len(self._armed) + 64:
                self._heap = [waiting for waiting in self._heap if waiting[2].owner is not None]
                heapq.heapify(self._heap)

    async def run(self) -> None:
        """Sleep and fire, until cancelled."""
        while True:
            self._earlier = anyio.Event()
            self._asleep_until = self._heap[0][0] if self._heap else inf
            with anyio.CancelScope(deadline=self._asleep_until) as slept:
                await self._earlier.wait()
            # An event loop may wake a clock tick early; what was slept for is due all the same.
            self._fire(max(self._now(), self._asleep_until) if slept.cancelled_caught else self._now())

    def _fire(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            _, _, entry = heapq.heappop(self._heap)
            if entry.owner is not None:
                self._armed.pop((id(entry.owner), entry.timer.child), None)
                entry.owner.feed(TimerFired(entry.timer))
