"""A time span in a few characters."""

import re

__all__ = ("parse", "short")

_PARTS = re.compile(r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SECONDS = {"d": _DAY, "h": _HOUR, "m": _MINUTE, "s": 1}


def short(seconds: float) -> str:
    """At most seven characters, the coarser the longer: `7.4s`, `41s`, `12:05`, `2h14m`, `6d02h`."""
    whole = int(max(seconds, 0.0))
    if whole < 10:  # noqa: PLR2004 # one digit, and one behind the point
        return f"{int(max(seconds, 0.0) * 10) / 10:.1f}s"
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02}"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02}h"


def parse(text: str) -> float:
    """Seconds of `90`, `90s`, `10m`, `1h30m` or `2d`.

    Raises:
        ValueError: it is none of these, or nothing at all.
    """
    found = _PARTS.fullmatch(text.replace(" ", "").lower())
    seconds = (
        sum(float(number) * _SECONDS[unit] for unit, number in found.groupdict().items() if number) if found else 0.0
    )
    if not seconds:
        raise ValueError(f"expected a time such as 90s, 10m or 1h30m, got {text!r}")
    return seconds
