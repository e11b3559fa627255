"""`Retry-After`: how long a server asks to be left alone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds_asked(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds from now on, 0 at least; None if the header is missing or cannot be read.

    Args:
        header: a number of seconds, or a date as HTTP writes it.
        now: by default the time it is.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])  # thirty years; nobody waits that long
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000", which is UTC too
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
