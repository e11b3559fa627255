"""Lines that do not pass the log: because the log itself failed, or because the process is about to end.

    say_last("root/feed hangs in feed.py:12", within=1.0)
    flush_outlets(within=0.5)

They go to the outlets of the process (`otp.observe.outlet`), or to standard error if there is none. Any thread may call
these functions, without an event loop. They return after `within` seconds also if the lines are not read.
"""

import sys
from contextlib import suppress
from time import monotonic

from otp.observe.outlet import Outlet, open_outlets
from otp.observe.stream_writer import writer

WITHIN = 1.0
"""Seconds that the last line, or a flush, may take by default."""

AT_EXIT = 0.5
"""Seconds in which waiting lines are written when a tree has ended, and again when its sink is closed."""

_KEPT: list[Outlet] = []
"""Outlets are registered weakly, so this one is held here."""


def _outlets_or_stderr() -> tuple[Outlet, ...]:
    """Return the outlets of the process; if there is none, one to standard error, unless that is closed."""
    outlets = open_outlets()
    if outlets:
        return outlets
    with suppress(AttributeError, OSError, ValueError):  # the process was started without one, or it has been closed
        _KEPT.append(Outlet("stderr", writer(sys.stderr)))
    return tuple(_KEPT)


def say_aside(level: str, text: str) -> None:
    """Write a line past the log. It never waits, and never raises."""
    for outlet in _outlets_or_stderr():
        outlet.put(outlet.form(level, text))


def flush_outlets(within: float = WITHIN) -> bool:
    """Wait until all lines are written, at most `within` seconds altogether; return whether they are."""
    return _flush(open_outlets(), monotonic() + within)


def say_last(text: str, *, level: str = "CRITICAL", within: float = WITHIN) -> bool:
    """Write one line to each outlet, past its queue; return whether all have written it.

    Lines that wait have half of the time. Those that are left then are dropped, and their number is written. Without an
    outlet the line goes to standard error.

    Args:
        text: the line, without its end and without level and time.
        level: name of its level.
        within: seconds for all of it.
    """
    end = monotonic() + within
    outlets = _outlets_or_stderr()
    _flush(outlets, end - within / 2)
    for outlet in outlets:
        outlet.put_ahead(outlet.form(level, text))
    return _flush(outlets, end) and bool(outlets)


def _flush(outlets: tuple[Outlet, ...], end: float) -> bool:
    return all([outlet.flush(end - monotonic()) for outlet in outlets])  # noqa: C419 # each has its time
