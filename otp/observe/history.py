"""The history of a tree, kept in memory: an event hook that counts, measures and remembers.

    history = History()
    async with open_supervisor(tree, hooks=[log_events(), history]):
        history.child("massive/workers/ws_worker", now)     # counters, downtime, availability, last causes
        history.group("massive/workers", now)               # the same for a supervisor and all below it

It knows what events tell. A child that is terminated on request while it is down, or deleted, tells nobody: it is shown
as it was. All times are those of the tree's clock, `anyio.current_time()`, and `now` is given by whoever looks.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from otp import events
from otp.core.child import WAITING, ChildState
from otp.exits import Refused
from otp.observe.path_history import Account
from otp.observe.failures import Failure, Outcome, failure
from otp.observe.snapshots import ChildHistory, DependencyHistory, GroupHistory

__all__ = ("History",)

LIMIT = 10_000
"""Paths that are remembered. Beyond, those are forgotten whose children have ended, the longest ago first."""

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
    """Remembers what happened to each child and each supervisor of one tree; bounded, whatever happens.

    Args:
        limit: paths that are remembered.
    """

    lasting = True

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = max(limit, 1)
        self._accounts: dict[str, Account] = {}
        self._over: dict[str, None] = {}
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

    # ------------------------------------------------------------------------------------------------ looking

    def child(self, path: str, now: float) -> ChildHistory | None:
        """One child as it is at the time `now`; None if nothing is known of it."""
        account = self._accounts.get(path)
        return account.history(self._time(now)) if account is not None else None

    def children(self, now: float) -> tuple[ChildHistory, ...]:
        """All that are known, supervisors among them, by their paths."""
        accounts = sorted(self._accounts.values(), key=lambda account: account.path)
        return tuple(account.history(self._time(now)) for account in accounts)

    def group(self, path: str, now: float) -> GroupHistory | None:
        """A supervisor and all below it; None if nothing is known of it."""
        account = self._accounts.get(path)
        return account.group_history(self._time(now)) if account is not None else None

    def dependencies(self, now: float) -> tuple[DependencyHistory, ...]:
        """What children need and has been down at least once."""
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
        """After the end of the tree time stands still."""
        return now if self._frozen_at is None else min(now, self._frozen_at)

    # ------------------------------------------------------------------------------------------------ events

    def _failed(self, failure: Failure) -> None:
        account = self._account(failure.path)
        account.failed(failure)
        account.streak = failure.streak
        state = _STATES[failure.outcome]
        if failure.outcome in (Outcome.LEFT, Outcome.REFUSED):
            account.ended(failure.at, state)
        else:
            account.went_down(failure.at, state)
            self._down_with_it(account)
        self._sort(account)

    def _down_with_it(self, supervisor: Account) -> None:
        """Those that were stopped because their supervisor fails are down too, each since its own end."""
        for account in supervisor.walk():
            if account.state is ChildState.STOPPED and account.ended_at is not None:
                account.went_down(account.ended_at, ChildState.STOPPED)

    def _started(self, event: events.ChildStarted) -> None:
        account = self._account_of(event)
        account.came_up(event.at, event.downtime)
        account.streak = event.streak
        account.healthy_after = event.healthy_after
        self._sort(account)

    def _start_failed(self, event: events.ChildStartFailed) -> None:
        self._account_of(event)

    def _ignored(self, event: events.ChildIgnored) -> None:
        account = self._account_of(event)
        account.recovered(event.at)
        account.ended(event.at, ChildState.DONE)
        self._sort(account)

    def _exited(self, event: events.ChildExited) -> None:
        account = self._account(event.path)
        if isinstance(event.exit, Refused):
            account.ended(event.at, ChildState.REFUSED)
        else:
            account.recovered(event.at)
            account.ended(event.at, ChildState.STOPPED if event.asked else ChildState.DONE)
        account.streak = event.streak
        self._sort(account)

    def _restarting(self, event: events.ChildRestarting) -> None:
        account = self._account(event.path)
        account.restarting(event.cause, event.verdict)
        account.streak = event.streak
        account.next_retry = None
        since = account.ended_at if account.state is ChildState.STOPPED and account.ended_at is not None else event.at
        account.went_down(since, ChildState.STARTING)
        self._sort(account)

    def _delayed(self, event: events.ChildDelayed) -> None:
        self._account(event.path).next_retry = event.at + event.delay

    def _paused(self, event: events.ChildPaused) -> None:
        account = self._account(event.path)
        account.state = ChildState.PAUSED
        account.streak = event.streak
        account.next_retry = None

    def _forgiven(self, event: events.ChildForgiven) -> None:
        self._account(event.path).streak = 0

    def _replaced(self, event: events.ChildReplaced) -> None:
        self._account(event.path).healthy_after = event.healthy_after

    def _supervisor_started(self, event: events.SupervisorStarted) -> None:
        if "/" not in event.path:  # of the others their own supervisor tells
            self._frozen_at = None
            self._account(event.path).came_up(event.at, None)

    def _supervisor_exited(self, event: events.SupervisorExited) -> None:
        account = self._account(event.path)
        for below in account.walk():
            below.next_retry = None
            if below.state in WAITING or below.state is ChildState.STARTING:
                below.state = ChildState.STOPPED
        if account.above is None:
            account.ended(event.at, ChildState.STOPPED)
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
        events.ChildStartFailed: _start_failed,
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

    # ------------------------------------------------------------------------------------------------ accounts

    def _account_of(self, event: events.ChildStarted | events.ChildStartFailed | events.ChildIgnored) -> Account:
        """Return the account of a child whose start is over; a start along with its supervisor is a restart, too."""
        account = self._account(event.path)
        if event.with_supervisor:
            account.restarting(events.Cause.COLLATERAL)
        return account

    def _account(self, path: str) -> Account:
        account = self._accounts.get(path)
        if account is None:
            above = path.rpartition("/")[0]
            account = Account(path, self._account(above) if above else None)
            self._make_room(path)
            self._accounts[path] = account
            if account.above is not None:
                account.above.below[path] = account
        return account

    def _sort(self, account: Account) -> None:
        """Those that have ended come to the end of the queue for being forgotten; those that live leave it."""
        self._over.pop(account.path, None)
        if account.down_since is None and account.state in (ChildState.DONE, ChildState.STOPPED):
            self._over[account.path] = None

    def _make_room(self, path: str) -> None:
        while len(self._accounts) >= self._limit:
            newest = (f"{path}/").startswith
            everybody = (*self._over, *self._accounts) if not self._over else self._over
            oldest = next((p for p in everybody if not newest(f"{p}/")), None)
            if oldest is None:
                return
            self._forget(self._accounts[oldest])

    def _forget(self, account: Account) -> None:
        for one in (account, *account.walk()):
            one.recovered(one.down_since or 0.0)
            self._over.pop(one.path, None)
            del self._accounts[one.path]
        if account.above is not None:
            account.above.below.pop(account.path, None)
