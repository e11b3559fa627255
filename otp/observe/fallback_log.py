"""Lines that do not pass the log because the log itself failed, and the end of those that do: waiting until they are written.

    say_aside("ERROR", "a sink of the log raised")
    flush_outlets(within=0.5)

The lines go to the outlets of the process (`otp.observe.outlet`), or to standard error if there is none. Any thread may call
these functions, without an event loop. `flush_outlets` returns after `within` seconds also if the lines are not read.
"""

import sys
from contextlib import suppress
from time import monotonic

from otp.observe.outlet import Outlet, open_outlets
from otp.observe.stream_writer import writer

WITHIN = 1.0
"""Seconds that a flush may take by default."""

AT_EXIT = 0.5
"""Seconds in which waiting lines are written when a tree has ended, and again when its sink is closed."""

_KEPT: list[Outlet] = []
"""Outlets are registered weakly, so this one is held here."""


def _stderr() -> tuple[Outlet, ...]:
    """Return an outlet to standard error, unless that is closed; for a process that has none."""
    with suppress(AttributeError, OSError, ValueError):  # the process was started without one, or it has been closed
        _KEPT.append(Outlet("stderr", writer(sys.stderr)))
    return tuple(_KEPT)


def say_aside(level: str, text: str) -> None:
    """Write a line past the log. It never waits, and never raises."""
    for outlet in open_outlets() or _stderr():
        outlet.put(outlet.form(level, text))


def flush_outlets(within: float = WITHIN) -> bool:
    """Wait until all lines are written, at most `within` seconds altogether; return whether they are."""
    end = monotonic() + within
    return all([outlet.flush(end - monotonic()) for outlet in open_outlets()])  # noqa: C419 # each has its time
