"""Lengths of time: read as people write them (`1h30m`), and written for a log line, a table, or a narrow column."""

import math
import re

LONGEST = 365 * 86_400.0
"""Seconds that a duration may have."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PART = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)")
_PARTS = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")


def parse_duration(text: str) -> float:
    """Return the seconds that a text means.

    Args:
        text: numbers with units, as `500ms`, `30s`, `1h30m`, `2d`; or a bare number of seconds.

    Raises:
        ValueError: it is no length of time, is not above 0, or is longer than a year.
    """
    text = text.strip()
    length = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else _sum(text)
    if not 0 < length <= LONGEST:
        raise ValueError(f"expected a length of time above 0 and up to 365d, got {text!r}")
    return length


def _sum(text: str) -> float:
    if not _PARTS.fullmatch(text):
        raise ValueError(f"expected a length of time such as 30s, 10m or 1h30m, got {text!r}")
    return sum(float(part["number"]) * _SECONDS[part["unit"]] for part in _PART.finditer(text))


def precise(seconds: float) -> str:
    """Write seconds for a sentence, to a tenth: `12.3 ms`, `7.4 s`, `125.0 s`."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def duration(seconds: float | None) -> str:
    """Write seconds for a table: `12 ms`, `7.4 s`, `00:41:07`, `6d 02:14`; `–` for None and what is not finite."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if round(seconds, 3) < 1:
        return f"{max(seconds, 0.0) * 1000:.0f} ms"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    days, hour, minute, second = _split(int(seconds))
    return f"{days}d {hour:02}:{minute:02}" if days else f"{hour:02}:{minute:02}:{second:02}"


def short(seconds: float) -> str:
    """Write seconds in at most seven characters, the coarser the longer: `7.4s`, `41s`, `12:05`, `2h14m`, `6d02h`."""
    whole = int(max(seconds, 0.0))
    days, hour, minute, second = _split(whole)
    if whole < 10:  # noqa: PLR2004 # one digit, and one behind the point
        return f"{int(max(seconds, 0.0) * 10) / 10:.1f}s"
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{minute}:{second:02}"
    return f"{hour}h{minute:02}m" if not days else f"{days}d{hour:02}h"


def _split(seconds: int) -> tuple[int, int, int, int]:
    """Days, hours, minutes and seconds."""
    return seconds // _DAY, seconds % _DAY // _HOUR, seconds % _HOUR // _MINUTE, seconds % _MINUTE
