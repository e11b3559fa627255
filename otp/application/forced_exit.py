"""Ends a process in which no Python thread can run, because C code holds the interpreter's lock.

A thread in C (faulthandler's), which needs no lock, ends the process. It has to be armed before, so it helps only once a
stop has begun. Its exit code is always 1, and it writes on standard error where each thread is.
"""

import faulthandler
import os
import stat
import threading
from contextlib import suppress
from functools import cache

LATER = 1.0
"""Extra seconds for the ordinary end, which says more."""

_FOR_EVER = 365 * 86_400.0


def end_anyway_after(seconds: float) -> None:
    """End the process with code 1 in `seconds`, unless it has ended by then; replaces the time set before."""
    with suppress(OSError, RuntimeError, ValueError):  # out of descriptors or threads: go without the last resort
        if seconds < min(_FOR_EVER, threading.TIMEOUT_MAX):
            faulthandler.dump_traceback_later(max(seconds, 0.0) + LATER, exit=True, file=stderr())


@cache
def stderr() -> int:
    """A descriptor for standard error on which writes never block, opened once; for the null device if that fails."""
    try:
        return _never_waiting()
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def _never_waiting() -> int:
    if stat.S_ISREG(os.fstat(2).st_mode):
        return os.dup(2)
    # Opened anew: O_NONBLOCK belongs to the open file description, which other processes may share.
    return os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
