"""Foreign text as lines of a log: what a worker logs, messages and exceptions, made safe for terminals and readers.

Secrets are redacted. A control or bidi character becomes a space. Each further line is marked, so that none can pass for a
line of the log. Lengths are bounded.
"""

import traceback
from collections.abc import Mapping
from typing import Any

from otp.runtime.crash import describe
from otp.text.printable import printable
from otp.text.redaction import redact

LONGEST = 8_192
"""Characters of a message that are kept."""

LONGEST_TRACEBACK = 16_384
"""Characters of a traceback that are kept: the last ones, where the exception is."""

FRAMES = 30
"""Frames of a traceback that are kept: the innermost."""

LONGEST_SECRET = 1_024
"""Characters that a secret may have and still be found in a text that is cut."""

MARK = "  | "
"""Begins a further line."""

OURS = "otp.observe.log"
"""The module that writes the lines of the tree. They are sanitized already, and sanitizing one again would cost as much as
the restart that it tells of."""


def clean(text: str, limit: int = LONGEST) -> str:
    """Return a foreign text as one line."""
    return printable(_without_secrets(text, limit))


def clean_lines(text: str, limit: int = LONGEST + LONGEST_TRACEBACK) -> str:
    """Return a foreign text with its lines, each but the first marked."""
    return _marked(_without_secrets(text, limit))


def whole(record: Mapping[str, Any]) -> str:
    """Return the message of a loguru record, with the traceback of its exception behind it."""
    message: str = record["message"]
    if record["name"] != OURS:
        message = clean_lines(message)
    error = _error_of(record)
    return message if error is None else f"{message}\n{MARK}{_marked(_traceback(error))}"


def one_line(record: Mapping[str, Any], limit: int) -> str:
    """Return the message of a loguru record on one line, with the type and message of its exception behind it."""
    message = clean(record["message"], limit)
    error = _error_of(record)
    return message if error is None else f"{message}  {describe(error)}"[:limit]


def _error_of(record: Mapping[str, Any]) -> BaseException | None:
    exception = record["exception"]
    return exception.value if exception is not None else None


def _without_secrets(text: str, limit: int) -> str:
    """Redact, and keep `limit` characters at most. More is scanned than kept, as half a secret does not look like one."""
    if len(text) <= limit:
        return redact(text)
    scanned = text[: limit + 2 * LONGEST_SECRET]
    kept = redact(scanned) if len(scanned) == len(text) else redact(scanned)[:-LONGEST_SECRET]
    return kept if len(kept) < limit else f"{kept[: limit - 1]}…"


def _marked(text: str) -> str:
    return text if text.isprintable() else f"\n{MARK}".join(map(printable, text.splitlines()))


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(error, limit=-FRAMES))
    except Exception as broken:  # noqa: BLE001 # formatting runs foreign code
        text = f"<the traceback of a {type(error).__name__} cannot be shown: {type(broken).__name__}>"
    return redact(text[-LONGEST_TRACEBACK:])
