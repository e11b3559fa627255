"""Signs of life of workers with a watchdog: `otp.beat()`."""

import warnings
from collections.abc import Callable
from contextvars import ContextVar


class Pulse:
    """The last sign of life of a child.

    Attributes:
        last: its time, in seconds of the tree's clock.
        fresh: whether there was one since the last check. The time alone does not show it: a beat from a thread may
            carry an old time, for uvloop's clock stands still while the loop waits.
    """

    __slots__ = ("_now", "fresh", "last")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.renew()

    def beat(self) -> None:
        """Note a sign of life; called by the child."""
        self.last = self._now()
        self.fresh = True

    def renew(self) -> None:
        """Count silence from now on; called by the watchdog."""
        self.last = self._now()
        self.fresh = False


class _NoWorker:
    """Receives calls of `beat()` outside of any worker; warns of the first one."""

    __slots__ = ("_warned",)

    def __init__(self) -> None:
        self._warned = False

    def beat(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                "otp.beat() was called outside of a worker, so no watchdog hears it; call it in the worker's own tasks, or "
                "in threads that it starts with anyio.to_thread or asyncio.to_thread, which inherit the worker's context",
                RuntimeWarning,
                stacklevel=3,
            )


_NOBODY = _NoWorker()

PULSE: ContextVar[Pulse | _NoWorker | None] = ContextVar("otp_pulse", default=_NOBODY)
"""The pulse of the current child, in its tasks and in threads that it starts with `anyio.to_thread`.

None: the current child has no watchdog.
"""


def beat() -> None:
    """Give a sign of life of the worker that calls this, in a task or a thread of its own.

    It costs a fraction of a microsecond, and does nothing without a watchdog. Outside of a worker, also in a bare
    `threading.Thread`, it is lost, and a `RuntimeWarning` says so once in a process. Call it where the work advances, once
    in each turn of the worker's loop; called by a timer it proves nothing about the work.
    """
    pulse = PULSE.get()
    if pulse is not None:
        pulse.beat()
