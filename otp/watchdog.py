"""Watchdogs: how long a worker may be silent before it counts as hung."""

from collections.abc import Callable
from dataclasses import dataclass

from otp import checks
from otp.checks.functions import check_plain

__all__ = ("Watchdog",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """What `watchdog=` of a worker says: it gives a sign of life in time, or it is stopped and has failed with `Hung`.

    The time runs while the worker is up. Time in which the event loop itself stands still is not held against it.

    Attributes:
        within: seconds without a sign of life. A worker that calls `otp.beat()` is found right then; with `progress`
            that is `within` to twice as long after the last change, since nobody looks in between.
        progress: for workers that know nothing of otp: a function without arguments whose value has changed within the
            time, such as a counter of the turns of the worker's loop. A counter of what comes in from outside stands
            still when nothing comes. It must not block, which the loop watch would tell of; if it raises, or its
            values cannot be compared, that is no progress: `CallbackFailed` says so once, and `ChildHung` again. None: the worker calls `otp.beat()`.

    Raises:
        SpecError: a value that cannot be.
    """

    within: float
    progress: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        expected = f"finite seconds, {checks.SHORTEST:g} or more"
        checks.keep(self, "within", checks.bounded("within of a Watchdog", self.within, expected, checks.SHORTEST))
        if self.progress is not None:
            check_plain("progress of a Watchdog", self.progress, instead="write progress=lambda: counts.turns")
