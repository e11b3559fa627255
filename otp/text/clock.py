"""Moments of the wall clock, written in local time."""

from datetime import datetime

from otp.text.durations import duration


def ago(wall: float, now: float) -> str:
    """Write how long ago `wall` was; after a clock was set back, nothing lies in the future."""
    return f"{duration(max(0.0, now - wall))} ago"


def clock(wall: float | None, now: float) -> str:
    """Write the time of `wall` to the second, with its date unless that is the date of `now`; `–` for None."""
    return "–" if wall is None else _local(wall, now, "%H:%M:%S")


def stamp(wall: float, now: float) -> str:
    """Write the time of `wall` to the millisecond, with its date unless that is the date of `now`."""
    return _local(wall, now, "%H:%M:%S.%f")[:-3]


def _local(wall: float, now: float, form: str) -> str:
    then = datetime.fromtimestamp(wall).astimezone()
    is_today = then.date() == datetime.fromtimestamp(now).astimezone().date()
    return then.strftime(form if is_today else f"%m-%d {form}")
