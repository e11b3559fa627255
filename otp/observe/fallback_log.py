"""What is to be said when the log itself does not work: to the outlets of the process, or to standard error."""

import sys
from contextlib import suppress

from otp.observe.outlet import Outlet, open_outlets
from otp.observe.stream_writer import writer

__all__ = ("outlets_or_stderr", "say_aside")


def outlets_or_stderr() -> tuple[Outlet, ...]:
    """The outlets of the process. Where there is none yet, one to standard error, unless that is closed."""
    outlets = open_outlets()
    if outlets:
        return outlets
    with suppress(AttributeError, OSError, ValueError):  # the process was started without one, or it has been closed
        _KEPT.append(Outlet("stderr", writer(sys.stderr)))
    return tuple(_KEPT)


def say_aside(level: str, text: str) -> None:
    """Write a line there. It never waits, and never raises."""
    for outlet in outlets_or_stderr():
        outlet.put(outlet.form(level, text))


_KEPT: list[Outlet] = []
"""Outlets are registered weakly, so this one is held here."""
