"""Signs of life: what a worker with a watchdog calls now and then, from wherever it works."""

import warnings
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


class _NoWorker:
    """Takes the signs of life that no worker gives; the first one that is lost so is reported as a warning."""

    __slots__ = ("_warned",)

    def __init__(self) -> None:
        self._warned = False

    def beat(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                "otp.beat() was called outside of a worker, so no watchdog hears it; call it in the worker's own tasks, or "
                "in threads that it starts with anyio.to_thread or asyncio.to_thread, which know whose they are",
                RuntimeWarning,
                stacklevel=3,
            )


_NOBODY = _NoWorker()

PULSE: ContextVar[Pulse | _NoWorker | None] = ContextVar("otp_pulse", default=_NOBODY)
"""That of the child in whose context the code runs: its tasks, and the threads that it starts with `anyio.to_thread`.

None: it is a worker's, without a watchdog.
"""


def beat() -> None:
    """Tell the watchdog that the worker which calls this, in a task or a thread of its own, is not hung.

    It costs a fraction of a microsecond, and nothing happens without a watchdog. Outside of a worker, also in a bare
    `threading.Thread`, it is lost, and a `RuntimeWarning` says so once in a process. Call it where the work gets on, once
    in each turn of the worker's loop; a timer that calls it says nothing of the work.
    """
    pulse = PULSE.get()
    if pulse is not None:
        pulse.beat()
