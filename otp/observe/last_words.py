"""What is said last, before a process ends; from any thread, without an event loop, and never for longer than it may take.

    say_last("root/feed hangs in feed.py:12", within=1.0)
    flush_outlets(within=0.5)

Both act on the outlets of the process (`otp.observe.outlet`), and come back after `within` seconds whoever does not read.
"""

from time import monotonic

from otp.observe.fallback_log import outlets_or_stderr
from otp.observe.outlet import Outlet, open_outlets

__all__ = ("AT_EXIT", "WITHIN", "flush_outlets", "say_last")

WITHIN = 1.0
"""Seconds for it, if nothing else is said."""

AT_EXIT = 0.5
"""Seconds that what waits gets when a tree has ended, and again when its sink is closed."""


def flush_outlets(within: float = WITHIN) -> bool:
    """Wait until all lines that wait are written, at most `within` seconds altogether; whether they are."""
    return _flush(open_outlets(), monotonic() + within)


def say_last(text: str, *, level: str = "CRITICAL", within: float = WITHIN) -> bool:
    """Write one line to each outlet, past its queue; whether it has been written.

    Lines that wait have half of the time. Those that are still left then are given up, and their number is said. Without
    an outlet the line goes to standard error.

    Args:
        text: the line, without its end and without level and time.
        level: name of its level.
        within: seconds for all of it.
    """
    end = monotonic() + within
    outlets = outlets_or_stderr()
    _flush(outlets, end - within / 2)
    for outlet in outlets:
        outlet.put_ahead(outlet.form(level, text))
    return _flush(outlets, end) and bool(outlets)


def _flush(outlets: tuple[Outlet, ...], end: float) -> bool:
    return all([outlet.flush(end - monotonic()) for outlet in outlets])  # noqa: C419 # each has its time
