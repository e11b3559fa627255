"""The history of a tree, kept in memory: an event hook that counts, measures and remembers.

    history = History()
    async with open_supervisor(tree, hooks=[log_events(), history]):
        history.child("massive/workers/ws_worker", now)     # counters, downtime, availability, last causes
        history.group("massive/workers", now)               # of a supervisor together with all below it

It knows what events say. No event says that a child was deleted, or terminated by request while it was down: such a child
is shown as it was. Times are in seconds of the tree's clock, `anyio.current_time()`; the caller says what is `now`.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from otp import events
from otp.core.child import WAITING, ChildState
from otp.core.paths import is_within, parent_of
from otp.exits import Refused
from otp.observe.failures import Failure, Outcome, failure
from otp.observe.path_history import PathHistory
from otp.observe.snapshots import ChildHistory, DependencyHistory, GroupHistory

LIMIT = 10_000
"""Paths that are remembered. Beyond that, paths of children that have ended are forgotten, oldest first."""

_STATES = {
    Outcome.RESTARTED: ChildState.STARTING,
    Outcome.DELAYED: ChildState.BACKOFF,
    Outcome.HELD: ChildState.HELD,
    Outcome.PAUSED: ChildState.PAUSED,
    Outcome.NOT_STARTED: ChildState.RESTARTING,
    Outcome.LEFT: ChildState.DONE,
    Outcome.FAILED: ChildState.FAILED,
    Outcome.REFUSED: ChildState.REFUSED,
    Outcome.GAVE_UP: ChildState.STOPPED,
    Outcome.FATAL: ChildState.STOPPED,
}


class _Dependency:
    def __init__(self) -> None:
        self.outages = 0
        self.down_since: float | None = None
        self.downtime = 0.0
        self.last = ""


class History:
    """Remembers what happened to each child and each supervisor of one tree.

    Args:
        limit: paths that are remembered, which bounds the memory.
    """

    lasting = True

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = max(limit, 1)
        self._children: dict[str, PathHistory] = {}
        self._forgettable: dict[str, None] = {}
        self._dependencies: dict[tuple[str, str], _Dependency] = {}
        self._frozen_at: float | None = None

    def __call__(self, event: events.Event) -> None:
        """Take note of the event."""
        failed = failure(event)
        if failed is not None:
            self._failed(failed)
        note = self._NOTES.get(type(event))
        if note is not None:
            note(self, event)

    # ------------------------------------------------------------------------------------------------ queries

    def child(self, path: str, now: float) -> ChildHistory | None:
        """Return the history of one child, as of the time `now`; None if the path is unknown."""
        child = self._children.get(path)
        return child.history(self._time(now)) if child is not None else None

    def children(self, now: float) -> tuple[ChildHistory, ...]:
        """Return the histories of all children, supervisors among them, sorted by path."""
        children = sorted(self._children.values(), key=lambda child: child.path)
        return tuple(child.history(self._time(now)) for child in children)

    def group(self, path: str, now: float) -> GroupHistory | None:
        """Return the history of a supervisor together with all below it; None if the path is unknown."""
        child = self._children.get(path)
        return child.group_history(self._time(now)) if child is not None else None

    def dependencies(self, now: float) -> tuple[DependencyHistory, ...]:
        """Return the histories of the dependencies that have been down at least once."""
        now = self._time(now)
        return tuple(
            DependencyHistory(
                path=path,
                dependency=name,
                outages=one.outages,
                down=now - one.down_since if one.down_since is not None else None,
                downtime=one.downtime + (now - one.down_since if one.down_since is not None else 0.0),
                last=one.last,
            )
            for (path, name), one in tuple(self._dependencies.items())
        )

    def _time(self, now: float) -> float:
        """Return `now`, but at most the time of the end of the tree: then its history stands still."""
        return now if self._frozen_at is None else min(now, self._frozen_at)

    # ------------------------------------------------------------------------------------------------ events

    def _failed(self, failure: Failure) -> None:
        child = self._child(failure.path)
        child.failed(failure)
        child.streak = failure.streak
        state = _STATES[failure.outcome]
        if failure.outcome in (Outcome.LEFT, Outcome.REFUSED):
            child.ended(failure.at, state)
        else:
            child.went_down(failure.at, state)
            self._down_with_it(child)
        self._queue_for_forgetting(child)

    def _down_with_it(self, supervisor: PathHistory) -> None:
        """Children that a failing supervisor stopped are down too, each since its own end."""
        for child in supervisor.walk():
            if child.state is ChildState.STOPPED and child.ended_at is not None:
                child.went_down(child.ended_at, ChildState.STOPPED)

    def _started(self, event: events.ChildStarted) -> None:
        child = self._started_child(event)
        child.came_up(event.at, event.downtime)
        child.streak = event.streak
        child.healthy_after = event.healthy_after
        self._queue_for_forgetting(child)

    def _started_child(self, event: events.ChildStarted | events.ChildStartFailed | events.ChildIgnored) -> PathHistory:
        """Return the history of the child, having counted a start along with its supervisor as a restart."""
        child = self._child(event.path)
        if event.with_supervisor:
            child.restarting(events.Cause.COLLATERAL)
        return child

    def _ignored(self, event: events.ChildIgnored) -> None:
        child = self._started_child(event)
        child.recovered(event.at)
        child.ended(event.at, ChildState.DONE)
        self._queue_for_forgetting(child)

    def _exited(self, event: events.ChildExited) -> None:
        child = self._child(event.path)
        if isinstance(event.exit, Refused):
            child.ended(event.at, ChildState.REFUSED)
        else:
            child.recovered(event.at)
            child.ended(event.at, ChildState.STOPPED if event.asked else ChildState.DONE)
        child.streak = event.streak
        self._queue_for_forgetting(child)

    def _restarting(self, event: events.ChildRestarting) -> None:
        child = self._child(event.path)
        child.restarting(event.cause, event.verdict)
        child.streak = event.streak
        child.next_retry = None
        since = child.ended_at if child.state is ChildState.STOPPED and child.ended_at is not None else event.at
        child.went_down(since, ChildState.STARTING)
        self._queue_for_forgetting(child)

    def _delayed(self, event: events.ChildDelayed) -> None:
        self._child(event.path).next_retry = event.at + event.delay

    def _paused(self, event: events.ChildPaused) -> None:
        child = self._child(event.path)
        child.state = ChildState.PAUSED
        child.streak = event.streak
        child.next_retry = None

    def _forgiven(self, event: events.ChildForgiven) -> None:
        self._child(event.path).streak = 0

    def _replaced(self, event: events.ChildReplaced) -> None:
        self._child(event.path).healthy_after = event.healthy_after

    def _supervisor_started(self, event: events.SupervisorStarted) -> None:
        if "/" not in event.path:  # ChildStarted covers the others
            self._frozen_at = None
            self._child(event.path).came_up(event.at, None)

    def _supervisor_exited(self, event: events.SupervisorExited) -> None:
        child = self._child(event.path)
        for below in child.walk():
            below.next_retry = None
            if below.state in WAITING or below.state is ChildState.STARTING:
                below.state = ChildState.STOPPED
        if child.above is None:
            child.ended(event.at, ChildState.STOPPED)
            self._frozen_at = event.at

    def _dependency_down(self, event: events.DependencyDown) -> None:
        one = self._dependencies.setdefault((event.path, event.dependency), _Dependency())
        one.outages += 1
        one.down_since = event.at
        one.last = str(event.crash)

    def _dependency_up(self, event: events.DependencyUp) -> None:
        one = self._dependencies.setdefault((event.path, event.dependency), _Dependency())
        one.down_since = None
        one.downtime += event.downtime

    _NOTES: ClassVar[dict[type[events.Event], Callable[..., Any]]] = {
        events.ChildStarted: _started,
        events.ChildStartFailed: _started_child,
        events.ChildIgnored: _ignored,
        events.ChildExited: _exited,
        events.ChildRestarting: _restarting,
        events.ChildDelayed: _delayed,
        events.ChildPaused: _paused,
        events.ChildForgiven: _forgiven,
        events.ChildReplaced: _replaced,
        events.SupervisorStarted: _supervisor_started,
        events.SupervisorExited: _supervisor_exited,
        events.DependencyDown: _dependency_down,
        events.DependencyUp: _dependency_up,
    }

    # ------------------------------------------------------------------------------------------------ paths

    def _child(self, path: str) -> PathHistory:
        child = self._children.get(path)
        if child is None:
            above = parent_of(path)
            child = PathHistory(path, self._child(above) if above else None)
            self._make_room(path)
            self._children[path] = child
            if child.above is not None:
                child.above.below[path] = child
        return child

    def _queue_for_forgetting(self, child: PathHistory) -> None:
        """Put a child that has ended at the end of the queue of paths to forget, and take one that lives out of it."""
        self._forgettable.pop(child.path, None)
        if child.down_since is None and child.state in (ChildState.DONE, ChildState.STOPPED):
            self._forgettable[child.path] = None

    def _make_room(self, path: str) -> None:
        while len(self._children) >= self._limit:
            oldest = next((one for one in self._forgettable or self._children if not is_within(path, one)), None)
            if oldest is None:
                return
            self._forget(self._children[oldest])

    def _forget(self, child: PathHistory) -> None:
        for one in (child, *child.walk()):
            one.recovered(one.down_since or 0.0)
            self._forgettable.pop(one.path, None)
            del self._children[one.path]
        if child.above is not None:
            child.above.below.pop(child.path, None)
