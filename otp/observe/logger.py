"""The log that otp itself writes to: loguru's, with a guard around what a sink does.

A sink is foreign code, and runs in the thread that logs. A sink that raises (a full disk, a socket that is gone; loguru's
own `catch` lets everything through that is no `Exception`) loses that line, and the caller goes on. The fallback log says
so, for each kind of error once a minute at most. The next line is tried again.
"""

from functools import partialmethod
from time import monotonic
from typing import Any

from loguru import logger as loguru

from otp.foreign.guard import CallFailed, Role, call
from otp.observe.fallback_log import say_aside
from otp.runtime.crash import describe

_GUARD_FRAMES = 2
"""Frames between loguru and the caller: the guard, and `log`; a `partialmethod` has none."""

REPORT_EVERY = 60.0
"""Seconds between two lines of the fallback log about one kind of error."""

MOST_KINDS = 100
"""Kinds of errors that are remembered."""

_quiet_until: dict[type[BaseException], float] = {}


class GuardedLogger:
    """The part of loguru's logger that otp uses; its methods raise nothing but Ctrl-C and `SystemExit`."""

    def __init__(self, **extra: object) -> None:
        self._extra = extra

    def bind(self, **extra: object) -> "GuardedLogger":
        """A logger whose records carry these as `extra`."""
        return GuardedLogger(**self._extra, **extra)

    def log(self, level: str, text: str, *args: object) -> None:
        """Write one line."""
        bound: Any = loguru.opt(depth=_GUARD_FRAMES).bind(**self._extra)
        said = call(Role.LOG, "loguru", bound.log, level, text, *args)
        if type(said) is CallFailed:
            _failed(said)

    critical = partialmethod(log, "CRITICAL")
    error = partialmethod(log, "ERROR")
    warning = partialmethod(log, "WARNING")
    info = partialmethod(log, "INFO")


logger = GuardedLogger()


def _failed(failure: CallFailed) -> None:
    if (interrupt := failure.interrupt) is not None:
        raise interrupt
    now = monotonic()
    if now >= _quiet_until.get(type(failure.error), 0.0):
        if len(_quiet_until) >= MOST_KINDS:
            _quiet_until.clear()
        _quiet_until[type(failure.error)] = now + REPORT_EVERY
        say_aside("ERROR", f"a sink of the log raised, lines are missing there: {describe(failure.error)}")
