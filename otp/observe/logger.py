"""The log that otp itself writes to: loguru's, with a guard around what a sink does.

A sink is foreign code, and runs in whoever logs. One that raises (a full disk, a socket that is gone; loguru's own
`catch` lets everything through that is no `Exception`) harms nobody here: it is said once for each kind of error, by the
standard library's logger "otp", and the next line is tried again.
"""

import logging
from typing import Any

from loguru import logger as loguru

from otp.foreign import CallFailed, Role, call
from otp.runtime.crash import describe

__all__ = ("GuardedLogger", "logger")

_AROUND = 3
"""Frames between loguru and whoever has something to say: the guard, `log`, and a method named after a level."""

_fallback = logging.getLogger("otp")
_told: set[type[BaseException]] = set()

MOST_TOLD = 100
"""Kinds of errors that are told; whoever makes new kinds is not listened to for ever."""


class GuardedLogger:
    """The part of loguru's logger that otp uses; its methods raise nothing but Ctrl-C and `SystemExit`."""

    def __init__(self, **extra: object) -> None:
        self._extra = extra

    def bind(self, **extra: object) -> "GuardedLogger":
        """One whose records carry these as `extra`."""
        return GuardedLogger(**self._extra, **extra)

    def log(self, level: str, text: str, *args: object, depth: int = _AROUND - 1) -> None:
        """Write one line."""
        bound: Any = loguru.opt(depth=depth).bind(**self._extra)
        said = call(Role.LOG, "loguru", bound.log, level, text, *args)
        if type(said) is CallFailed:
            _failed(said)

    def critical(self, text: str, *args: object) -> None:
        """Write one line at this level."""
        self.log("CRITICAL", text, *args, depth=_AROUND)

    def error(self, text: str, *args: object) -> None:
        """Write one line at this level."""
        self.log("ERROR", text, *args, depth=_AROUND)

    def warning(self, text: str, *args: object) -> None:
        """Write one line at this level."""
        self.log("WARNING", text, *args, depth=_AROUND)

    def info(self, text: str, *args: object) -> None:
        """Write one line at this level."""
        self.log("INFO", text, *args, depth=_AROUND)


logger = GuardedLogger()


def _failed(failure: CallFailed) -> None:
    if (interrupt := failure.interrupt) is not None:
        raise interrupt
    kind = type(failure.error)
    if kind in _told or len(_told) >= MOST_TOLD:
        return
    _told.add(kind)
    said = call(
        Role.LOG, "otp", _fallback.error, "a sink of the log raised, and is tried again: %s", describe(failure.error)
    )
    del said  # this was the last resort
