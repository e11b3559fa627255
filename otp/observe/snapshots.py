"""What a history answers with: frozen values, as of one moment."""

from msgspec import Struct

from otp.core.child import ChildState


class PastFailure(Struct, frozen=True, kw_only=True):
    """One of the last failures of a child.

    Attributes:
        at: when, in seconds of the tree's clock.
        outcome: what followed, see `Outcome`.
        verdict: what it was, by a policy; empty without one.
        text: what the child raised, or how it ended.
        frame: the innermost frame of own code; empty if it is not known.
    """

    at: float
    outcome: str
    verdict: str
    text: str
    frame: str


class ChildHistory(Struct, frozen=True, kw_only=True):
    """What happened to one child since it was first seen.

    Attributes:
        path: its name from the root down.
        state: where the child is in its life, as far as events say; see `ChildState`.
        failures: ends and starts that failed, whatever followed.
        crashes: restarts because it ended by itself.
        manual: restarts by request.
        collateral: restarts because of a sibling, or with its supervisor.
        verdicts: its crashes by verdict.
        streak: failures in a row; 0 once it has been healthy.
        up: seconds since it came up; None while it is not.
        down: seconds since it went down, while it is down and not meant to be; else None.
        downtime: seconds down altogether, from each end to being ready again, up to now. A stop by request or with
            siblings counts from the moment at which the child is started again: before, it is meant to be down.
        availability: share of the time since its first start in which it was not down; None before its first start.
        mtbf: seconds up per failure; None without a failure.
        next_retry: when it is restarted, in seconds of the tree's clock; None: that is not known, or it is not restarted.
        verdict: of its last failure.
        last: its last failures, oldest first.
    """

    path: str
    state: ChildState
    failures: int
    crashes: int
    manual: int
    collateral: int
    verdicts: dict[str, int]
    streak: int
    up: float | None
    down: float | None
    downtime: float
    availability: float | None
    mtbf: float | None
    next_retry: float | None
    verdict: str
    last: tuple[PastFailure, ...]


class GroupHistory(Struct, frozen=True, kw_only=True):
    """What happened to a supervisor and all below it.

    Attributes:
        path: the supervisor.
        children: how many are known below it, at any depth.
        down: the paths of those that are down and not meant to be.
        failures: of all of them together, and so are the restarts.
        crashes: restarts because one ended by itself.
        manual: restarts by request.
        collateral: restarts because of others.
        degraded: seconds in which at least one of them was down, up to now.
        availability: share of the time since the first start in which none was down; None before that.
    """

    path: str
    children: int
    down: tuple[str, ...]
    failures: int
    crashes: int
    manual: int
    collateral: int
    degraded: float
    availability: float | None


class DependencyHistory(Struct, frozen=True, kw_only=True):
    """What happened to a dependency.

    Attributes:
        path: the supervisor that declares it.
        dependency: its name.
        outages: how often it was found down.
        down: seconds since it was found down; None while it answers.
        downtime: seconds down altogether, up to now.
        last: what its probe raised last.
    """

    path: str
    dependency: str
    outages: int
    down: float | None
    downtime: float
    last: str
