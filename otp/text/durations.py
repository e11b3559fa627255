"""Lengths of time as people write them in a command: `90s`, `10m`, `1h30m`."""

import re

__all__ = ("LONGEST", "parse_duration")

LONGEST = 365 * 86_400.0
"""Seconds that a duration may have."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PART = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)")
_PARTS = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")


def parse_duration(text: str) -> float:
    """Seconds.

    Args:
        text: numbers with units, as `500ms`, `30s`, `1h30m`, `2d`; or a bare number of seconds.

    Raises:
        ValueError: it is nothing of that, no length of time, or longer than a year.
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
