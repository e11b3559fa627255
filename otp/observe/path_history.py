"""The history of one path: of a child, and of all below it if it is a supervisor."""

from collections import Counter, deque
from collections.abc import Iterator
from itertools import chain

from otp.core.child import ChildState
from otp.events import Cause
from otp.observe.failures import Failure, Outcome
from otp.observe.snapshots import ChildHistory, GroupHistory, PastFailure
from otp.text.redaction import clean

KEPT_FAILURES = 8
"""Failures of one child that are kept: the last."""


class _Group:
    """Counters of a child together with all below it."""

    def __init__(self) -> None:
        self.failures = 0
        self.restarts: Counter[Cause] = Counter()
        self._down = 0
        self._since: float | None = None
        self._total = 0.0

    def one_went_down(self, since: float) -> None:
        self._down += 1
        if self._since is None:
            self._since = since

    def one_recovered(self, at: float) -> None:
        self._down -= 1
        if self._down == 0:
            self._total = self.degraded(at)
            self._since = None

    def degraded(self, now: float) -> float:
        """Return the seconds in which at least one of them was down."""
        return self._total + (max(0.0, now - self._since) if self._since is not None else 0.0)


class PathHistory:
    """What happened to one child, from which `ChildHistory` and `GroupHistory` are made. Counters and downtime only grow.

    Attributes:
        path: the child.
        above: the history of its supervisor; None at the root.
        below: the histories of its children by path, if it is a supervisor.
        state: where the child is in its life, as far as events tell.
        streak: its failures in a row, as its last event says.
        verdict: of its last failure.
        up_since: when it came up; None while it is not up.
        down_since: when it went down; None while it is up, or is meant to be down.
        ended_at: when it ended last.
        next_retry: when it is restarted; None if that is not known, or if it is not restarted.
        first_up: when it was up for the first time.
        healthy_after: seconds up after which its streak is over.
        group: counters of the child together with all below it.
    """

    def __init__(self, path: str, above: "PathHistory | None") -> None:
        self.path = path
        self.above = above
        self.below: dict[str, PathHistory] = {}
        self.state = ChildState.PENDING
        self.streak = 0
        self.verdict = ""
        self.up_since: float | None = None
        self.down_since: float | None = None
        self.ended_at: float | None = None
        self.next_retry: float | None = None
        self.first_up: float | None = None
        self.healthy_after = 0.0
        self._downtime = 0.0
        self._counted = 0.0  # downtime of the current outage that is in the total already
        self._failures = 0
        self._restarts: Counter[Cause] = Counter()
        self.group = _Group()
        self._verdicts: Counter[str] = Counter()
        self._last: deque[PastFailure] = deque(maxlen=KEPT_FAILURES)

    # ------------------------------------------------------------------------------------------------ what happens

    def came_up(self, at: float, downtime: float | None) -> None:
        """The child is up.

        Args:
            at: since when.
            downtime: seconds that it was down, as its supervisor measured; None for a first start.
        """
        self.recovered(at, (downtime or 0.0) - self._counted)
        self._counted = 0.0
        self.state = ChildState.RUNNING
        self.next_retry = None
        self.up_since = at
        if self.first_up is None:
            self.first_up = at

    def went_down(self, since: float, state: ChildState) -> None:
        """The child is down, and meant to be up."""
        self.ended(since, state)
        if self.down_since is None:
            self.down_since = since
            for child in self._upwards():
                child.group.one_went_down(since)

    def ended(self, at: float, state: ChildState) -> None:
        """The child is not up any more."""
        self.state = state
        self.ended_at = at
        self.up_since = None

    def recovered(self, at: float, measured: float = 0.0) -> None:
        """The child is up again, or is now meant to be down: its outage is over.

        Args:
            at: when.
            measured: seconds of the outage. If more of it was shown already, that stays: downtime never shrinks.
        """
        shown = at - self.down_since if self.down_since is not None else 0.0
        seconds = max(measured, shown)
        self._downtime += seconds
        self._counted += seconds
        if self.down_since is None:
            return
        self.down_since = None
        for child in self._upwards():
            child.group.one_recovered(at)

    def failed(self, failure: Failure) -> None:
        """Count a failure. A decision about a failed start takes the place of the failed start, which was counted."""
        if failure.again and self._last and self._last[-1].outcome == Outcome.NOT_STARTED:
            self._last.pop()
        else:
            for child in self._upwards():
                child.group.failures += 1
            self._failures += 1
        self.verdict = failure.verdict or self.verdict
        crash = failure.crash
        self._last.append(
            PastFailure(
                at=failure.at,
                outcome=failure.outcome,
                verdict=failure.verdict,
                text=str(crash) if crash is not None else clean(str(failure.exit)),
                frame=failure.frame,
            )
        )

    def restarting(self, cause: Cause, verdict: str = "") -> None:
        """Count a restart."""
        self._restarts[cause] += 1
        for child in self._upwards():
            child.group.restarts[cause] += 1
        if cause is Cause.CRASH:
            self._verdicts[verdict] += 1

    def is_healthy(self, now: float) -> bool:
        """Whether the child has been up for long enough to end its streak."""
        return self.up_since is not None and now - self.up_since >= self.healthy_after

    # ------------------------------------------------------------------------------------------------ looking

    def walk(self) -> "Iterator[PathHistory]":
        """Yield the histories of all below, each supervisor before its children."""
        for child in tuple(self.below.values()):
            yield child
            yield from child.walk()

    def history(self, now: float) -> ChildHistory:
        """Return the history of the child, as of the time `now`."""
        down = now - self.down_since if self.down_since is not None else None
        downtime = self._downtime + (down or 0.0)
        known = now - self.first_up if self.first_up is not None else None
        up = max(0.0, known - downtime) if known is not None else None
        return ChildHistory(
            path=self.path,
            state=self.state,
            failures=self._failures,
            crashes=self._restarts[Cause.CRASH],
            manual=self._restarts[Cause.MANUAL],
            collateral=self._restarts[Cause.COLLATERAL],
            verdicts=dict(self._verdicts),
            streak=0 if self.is_healthy(now) else self.streak,
            up=now - self.up_since if self.up_since is not None else None,
            down=down,
            downtime=downtime,
            availability=_share(up, known),
            mtbf=up / self._failures if up is not None and self._failures else None,
            next_retry=self.next_retry,
            verdict=self.verdict,
            last=tuple(self._last),
        )

    def group_history(self, now: float) -> GroupHistory:
        """Return the history of the child together with all below it, as of the time `now`."""
        below = tuple(self.walk())
        group, degraded = self.group, self.group.degraded(now)
        starts = [one.first_up for one in chain((self,), below) if one.first_up is not None]
        known = now - min(starts) if starts else None
        return GroupHistory(
            path=self.path,
            children=len(below),
            down=tuple(one.path for one in chain((self,), below) if one.down_since is not None),
            failures=group.failures,
            crashes=group.restarts[Cause.CRASH],
            manual=group.restarts[Cause.MANUAL],
            collateral=group.restarts[Cause.COLLATERAL],
            degraded=degraded,
            availability=_share(max(0.0, known - degraded), known) if known is not None else None,
        )

    def _upwards(self) -> "Iterator[PathHistory]":
        child: PathHistory | None = self
        while child is not None:
            yield child
            child = child.above


def _share(part: float | None, whole: float | None) -> float | None:
    if part is None or whole is None:
        return None
    return part / whole if whole > 0 else 1.0
