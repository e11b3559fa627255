"""Signs of life: what a worker with a watchdog calls now and then, from wherever it works."""

from collections.abc import Callable
from contextvars import ContextVar

__all__ = ("PULSE", "Pulse", "beat")


class Pulse:
    """When a child gave its last sign of life.

    Attributes:
        last: that time, in seconds of the tree's clock.
        fresh: there was one since somebody looked. That of a thread may have an older time than its own: the clock of
            uvloop stands still while the loop waits.
    """

    __slots__ = ("_now", "fresh", "last")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.renew()

    def beat(self) -> None:
        """It is alive, says the child."""
        self.last = self._now()
        self.fresh = True

    def renew(self) -> None:
        """It is alive, says whoever looks."""
        self.last = self._now()
        self.fresh = False


PULSE: ContextVar[Pulse | None] = ContextVar("otp_pulse", default=None)
"""That of the child in whose context the code runs: its tasks, and the threads that it starts with `anyio.to_thread`."""


def beat() -> None:
    """Tell the watchdog that the worker which calls this, in a task or a thread of its own, is not hung.

    It costs a fraction of a microsecond, and nothing happens without a watchdog or outside of a tree. Call it where the
    work gets on, once in each turn of the worker's loop; called by a timer beside the work it says nothing of the work.
    """
    pulse = PULSE.get()
    if pulse is not None:
        pulse.beat()
