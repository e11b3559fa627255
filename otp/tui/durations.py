"""A time span in a few characters."""

__all__ = ("short",)

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


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
