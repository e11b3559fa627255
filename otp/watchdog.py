"""Watchdogs: how long a worker may be silent before it counts as hung."""

from collections.abc import Callable
from dataclasses import dataclass

from otp.checks import values as checks
from otp.checks.functions import check_plain

__all__ = ("Watchdog",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """How long a worker may go without a sign of life; one that is silent for longer is stopped, and fails with `Hung`.

    The time runs while the worker is up, and not while the event loop itself is blocked.

    Attributes:
        within: seconds without a sign of life. A worker that calls `otp.beat()` is found after exactly that time; with
            `progress`, which is sampled every `within`, after up to twice that time.
        progress: for workers that know nothing of otp: a function without arguments whose value has changed within the
            time, such as a counter of the turns of the worker's loop. A counter of what comes in from outside stands
            still when nothing comes. It must not block, which the loop watch would report; if it raises, or its
            values cannot be compared, that is no progress: `CallbackFailed` says so once, and `ChildHung` again. None: the worker calls `otp.beat()`.

    Raises:
        SpecError: a value is impossible.
    """

    within: float
    progress: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        expected = f"finite seconds, {checks.SHORTEST:g} or more"
        checks.keep(self, "within", checks.bounded("within of a Watchdog", self.within, expected, checks.SHORTEST))
        if self.progress is not None:
            check_plain("progress of a Watchdog", self.progress, instead="write progress=lambda: counts.turns")
