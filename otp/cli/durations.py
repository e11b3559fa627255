"""Lengths of time, as people write and read them: `1h30m` in, `01:30:00` out."""

import math
from datetime import datetime

import click

from otp.text.durations import parse_duration

__all__ = ("ago", "clock", "duration", "seconds", "stamp")

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def duration(length: float | None) -> str:
    """`12 ms`, `7.4 s`, `00:41:07` or `6d 02:14`; `–` for None and for what is no length of time."""
    if length is None or not math.isfinite(length):
        return "–"
    if round(length, 3) < 1:
        return f"{max(length, 0.0) * 1000:.0f} ms"
    if round(length, 1) < MINUTE:
        return f"{length:.1f} s"
    minutes, second = divmod(int(length), 60)
    hours, minute = divmod(minutes, 60)
    if length < DAY:
        return f"{hours:02}:{minute:02}:{second:02}"
    days, hour = divmod(hours, 24)
    return f"{days}d {hour:02}:{minute:02}"


def ago(wall: float, now: float) -> str:
    """How long ago `wall` was; a clock that was set back makes nothing lie in the future."""
    return f"{duration(max(0.0, now - wall))} ago"


def clock(wall: float | None, now: float) -> str:
    """The local time of `wall`, with its day unless that is today; `–` for None."""
    return "–" if wall is None else _local(wall, now, "%H:%M:%S")


def stamp(wall: float, now: float) -> str:
    """The same as the log has it, to the millisecond."""
    return _local(wall, now, "%H:%M:%S.%f")[:-3]


def _local(wall: float, now: float, form: str) -> str:
    then = datetime.fromtimestamp(wall).astimezone()
    is_today = then.date() == datetime.fromtimestamp(now).astimezone().date()
    return then.strftime(form if is_today else f"%m-%d {form}")


def seconds(given: str | float) -> float:
    """A duration on the command line, as the `type` of an option.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        return given if isinstance(given, float) else parse_duration(str(given))
    except ValueError as wrong:
        raise click.BadParameter(str(wrong)) from None
