"""Views of a running tree, as frozen values."""

from typing import Any

from msgspec import Struct

from otp.core.child import Child, ChildState
from otp.core.facts import ChildFacts, strategy_of
from otp.spec import Restart, SupervisorSpec


class ChildInfo(ChildFacts, frozen=True, kw_only=True):
    """One child as it is now (S53, in start order: D8).

    Attributes:
        id: its name.
        path: its name from the root down.
        kind: worker or supervisor.
        state: see `ChildState`.
        restart: its restart type.
        generation: incarnations so far; 0 before the first.
        value: what it gave to `task_status.started()`.
        crashes: restarts because it ended by itself.
        manual: restarts by request.
        collateral: restarts because of a sibling, or with its supervisor.
        downtime: seconds from an end to being up again, all together.
        streak: failures in a row; 0 once it has been healthy.
        up: seconds since it came up; None while it is not.
        next_retry: seconds until its restart; None: it waits for none, or the time is not known.
        verdict: the name of the policy rule that its last failure matched; empty without a policy.
        paused: it is under maintenance.
        strategy: of a supervisor; `dynamic` for a dynamic one; empty for a worker.
    """

    id: str
    state: ChildState
    restart: Restart
    value: Any
    downtime: float
    up: float | None
    next_retry: float | None


class Counts(Struct, frozen=True, kw_only=True):
    """How many children a supervisor has (S55).

    Attributes:
        specs: all children, up or down.
        active: those with a live incarnation.
        supervisors: supervisors among `specs`, alive or not.
        workers: workers among `specs`, alive or not.
    """

    specs: int
    active: int
    supervisors: int
    workers: int


class Budget(Struct, frozen=True, kw_only=True):
    """The restart window of a supervisor.

    Attributes:
        used: restarts within the period that ends now.
        intensity: how many are fine.
        period: seconds.
    """

    used: int
    intensity: int
    period: float


class Lag(Struct, frozen=True):
    """How long the event loop makes a callback wait, in seconds.

    Attributes:
        last: for the last sample, or so far for one that still waits.
        worst: for the worst sample of the last minute.
    """

    last: float
    worst: float


def child_info(child: Child, now: float) -> ChildInfo:
    """The child as it is at the time `now`."""
    up = now - child.up_since if child.state is ChildState.RUNNING and child.up_since is not None else None
    return ChildInfo(
        id=child.spec.id,
        path=child.path,
        kind="supervisor" if isinstance(child.spec, SupervisorSpec) else "worker",
        state=child.state,
        restart=child.spec.restart,
        generation=child.generation,
        value=child.value,
        crashes=child.crashes,
        manual=child.manual,
        collateral=child.collateral,
        downtime=child.downtime,
        streak=child.streak_at(now),
        up=up,
        next_retry=max(0.0, child.retry_at - now) if child.retry_at is not None else None,
        verdict=child.verdict,
        paused=child.paused,
        strategy=strategy_of(child.spec) if isinstance(child.spec, SupervisorSpec) else "",
    )


def count_children(children: dict[str, Child]) -> Counts:
    """The children counted."""
    supervisors = sum(isinstance(child.spec, SupervisorSpec) for child in children.values())
    return Counts(
        specs=len(children),
        active=sum(child.is_up for child in children.values()),
        supervisors=supervisors,
        workers=len(children) - supervisors,
    )
