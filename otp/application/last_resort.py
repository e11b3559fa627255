"""The end of a process in which no thread of Python can act: C code holds the interpreter's lock.

A thread in C, which needs no lock, ends the process then. It is told beforehand, so it is no help until the stop has
begun. It can give no exit code but 1, and writes on standard error where each thread is.
"""

import faulthandler
import os
import stat
import threading
from contextlib import suppress

__all__ = ("LATER", "end_anyway_after", "stderr")

LATER = 1.0
"""Seconds that it waits for the ordinary end, which says more."""

_FOR_EVER = 365 * 86_400.0


def end_anyway_after(seconds: float) -> None:
    """Have the process end with code 1 after so many seconds, in place of the time set before, unless it ends by itself."""
    with suppress(OSError, RuntimeError, ValueError):  # out of descriptors or threads: it is the last resort only
        if seconds < min(_FOR_EVER, threading.TIMEOUT_MAX):
            faulthandler.dump_traceback_later(max(seconds, 0.0) + LATER, exit=True, file=stderr())


_opened: list[int] = []


def stderr() -> int:
    """A descriptor of standard error on which a write never waits, opened once; of the null device if there is none."""
    if not _opened:
        try:
            _opened.append(_never_waiting())
        except OSError:
            _opened.append(os.open(os.devnull, os.O_WRONLY))
    return _opened[0]


def _never_waiting() -> int:
    if stat.S_ISREG(os.fstat(2).st_mode):
        return os.dup(2)
    # Opened anew: O_NONBLOCK belongs to what was opened, which others share with us.
    return os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
