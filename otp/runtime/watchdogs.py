"""The watchdogs of a tree: one task that sleeps until the first of them is due, and checks that child only.

A sign of life arms nothing: it notes its time. The check that finds it is repeated `within` seconds after that time.
"""

import heapq
from collections.abc import Callable
from itertools import count
from math import inf

from otp.core.inputs import Silent
from otp.core.paths import join
from otp.errors import Hung
from otp.foreign.guard import CallFailed, Role, call, name_of, refuse_awaitable
from otp.runtime import ports
from otp.runtime.beat import Pulse
from otp.runtime.crash import describe
from otp.runtime.reporter import Reporter
from otp.runtime.timers import Alarm
from otp.watchdog import Watchdog

LATE = 0.1
"""Seconds by which a check is late if the event loop has been standing still: then the child could not run either."""


class Watch:
    """The watchdog of one incarnation.

    Attributes:
        pulse: where the child's signs of life arrive.
        at: when it is checked next.
        over: it is not checked any more.
    """

    __slots__ = ("_child", "_reprieved", "_seen", "_supervisor", "_watchdog", "_watchdogs", "at", "over", "pulse")

    def __init__(
        self, watchdogs: "Watchdogs", supervisor: ports.Supervisor, child: ports.RunningChild, watchdog: Watchdog
    ) -> None:
        self.pulse = Pulse(watchdogs.now)
        self.at = inf
        self.over = False
        self._watchdogs = watchdogs
        self._supervisor = supervisor
        self._child = child
        self._watchdog = watchdog
        self._seen: object = _NOTHING
        self._reprieved = False

    def begin(self) -> None:
        """Start counting silence: the child is up."""
        self.pulse.renew()
        self._progress()
        self.at = self.pulse.last + self._watchdog.within
        self._watchdogs.add(self)

    def end(self) -> None:
        """Stop: the child has ended, perhaps without having been up."""
        if not self.over and self.at != inf:
            self.over = True
            self._watchdogs.removed()

    def check(self, now: float) -> None:
        """Decide whether the child has been silent for too long, or when to check it again."""
        crash = self._progress()
        fresh, self.pulse.fresh = self.pulse.fresh, False
        due = self.pulse.last + self._watchdog.within
        if due > now or fresh:
            self.at, self._reprieved = (due if due > now else now + self._watchdog.within), False
        elif now - self.at > LATE and not self._reprieved:
            self.at, self._reprieved = now + min(now - self.at, self._watchdog.within), True
        else:
            self.over = True
            self._report(now - self.pulse.last, crash)

    def _progress(self) -> BaseException | None:
        """Take a change of `progress()` for a sign of life; returns what it raised, if it did."""
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

    @property
    def _path(self) -> str:
        return join(self._supervisor.machine.path, self._child.id)

    def _failed(self, failure: CallFailed) -> BaseException | None:
        """A call that failed shows no progress; report it."""
        reporter = self._watchdogs.reporter
        reporter.call_failed(self._path, failure)
        reporter.wake()
        return failure.error if failure.interrupt is None else None

    def _report(self, seconds: float, crash: BaseException | None) -> None:
        hung = Hung(self._path, seconds, self._child.chain())
        hung.__cause__ = crash
        text = describe(crash) if crash is not None else None
        self._supervisor.feed(Silent(self._child.id, self._child.generation, hung, text))


_NOTHING = object()


def _differ(value: object, seen: object) -> bool:
    said: object = value != seen
    refuse_awaitable(Role.PROGRESS, said)
    return bool(said)


class Watchdogs:
    """Children with a watchdog, in the order in which they are checked; ended ones stay until they are half of all."""

    def __init__(self, now: Callable[[], float], reporter: Reporter) -> None:
        self.now = now
        self.reporter = reporter
        self._alarm = Alarm(now)
        self._heap: list[tuple[float, int, Watch]] = []
        self._over = 0
        self._number = count()

    def watch(self, supervisor: ports.Supervisor, child: ports.RunningChild, watchdog: Watchdog) -> Watch:
        """Prepare the watchdog of one incarnation; it counts from its `begin` to its `end`."""
        return Watch(self, supervisor, child, watchdog)

    def add(self, watch: Watch) -> None:
        """Check this child from now on."""
        self._push(watch)
        self._alarm.set(watch.at)

    def removed(self) -> None:
        """One more of those added is over."""
        self._over += 1
        if self._over > len(self._heap) // 2 + 64:
            self._heap = [waiting for waiting in self._heap if not waiting[2].over]
            heapq.heapify(self._heap)
            self._over = 0

    async def run(self) -> None:
        """Sleep and check, until cancelled."""
        while True:
            self._check(await self._alarm.sleep(self._heap[0][0] if self._heap else inf))

    def _check(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            _, _, watch = heapq.heappop(self._heap)
            if watch.over:
                self._over -= 1
                continue
            watch.check(now)
            if not watch.over:
                self._push(watch)

    def _push(self, watch: Watch) -> None:
        heapq.heappush(self._heap, (watch.at, next(self._number), watch))
