"""Ordered work that takes more than one step: stop these, last first, then start those, first first."""

from collections import deque
from collections.abc import Iterable

from otp.core.child import Child, Purpose
from otp.events import Cause

__all__ = ("Plan",)


class Plan:
    """What a supervisor is busy with, one at a time.

    Attributes:
        to_stop: children still to be stopped, in start order; they are taken from the end.
        to_start: children still to be started, in start order.
        purpose: STARTUP or RESTART; None: the supervisor stops.
        awaited: the child whose readiness the plan waits for.
        target: the child whose restart was asked for or whose failure began it; the others are collateral.
        cause: why the target is restarted.
        token: who waits for the end of the plan.
    """

    __slots__ = ("awaited", "cause", "purpose", "target", "to_start", "to_stop", "token")

    def __init__(
        self,
        purpose: Purpose | None,
        *,
        to_stop: Iterable[Child] = (),
        to_start: Iterable[Child] = (),
        target: Child | None = None,
        cause: Cause = Cause.CRASH,
        token: object = None,
    ) -> None:
        self.purpose = purpose
        self.to_stop = list(to_stop)
        self.to_start = deque(to_start)
        self.awaited: Child | None = None
        self.target = target
        self.cause = cause
        self.token = token
        for child in self.to_stop:
            child.doomed = True

    def drop(self, child: Child) -> None:
        """Do not start `child` when its turn comes."""
        if child in self.to_start:
            self.to_start.remove(child)
