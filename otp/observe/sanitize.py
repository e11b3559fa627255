"""Text of others as lines of a log: what a worker logs, or an exception that it logs, fit for a terminal and for readers.

Secrets are taken out; a character that is none to read, such as an escape or one that turns the direction of writing,
becomes a space; each further line is marked, so that none can pass for a line of the log; and none is endless.
"""

import traceback
from collections.abc import Mapping
from typing import Any

from otp.runtime.crash import describe
from otp.text.printable import printable
from otp.text.redaction import redact

__all__ = ("clean", "clean_lines", "one_line", "whole")

LONGEST = 8_192
"""Characters of a message that are kept."""

LONGEST_TRACEBACK = 16_384
"""Characters of a traceback that are kept: the last ones, for there it says what was raised."""

FRAMES = 30
"""Frames of a traceback that are kept: the innermost."""

LONGEST_SECRET = 1_024
"""Characters that a secret may have to be kept out of a text that is cut."""

MARK = "  | "
"""Begins a further line."""

OURS = "otp.observe.log"
"""The module that writes the lines of the tree. They are clean, and as many as there are restarts: looking through one
again would cost as much as the restart."""


def clean(text: str, limit: int = LONGEST) -> str:
    """A text of others as one line."""
    return printable(_without_secrets(text, limit))


def clean_lines(text: str, limit: int = LONGEST + LONGEST_TRACEBACK) -> str:
    """A text of others with its lines, each but the first marked."""
    return _marked(_without_secrets(text, limit))


def whole(record: Mapping[str, Any]) -> str:
    """What a record of loguru says: the message, and the traceback of the exception that it brings along."""
    message: str = record["message"]
    if record["name"] != OURS:
        message = clean_lines(message)
    error = _error_of(record)
    return message if error is None else f"{message}\n{MARK}{_marked(_traceback(error))}"


def one_line(record: Mapping[str, Any], limit: int) -> str:
    """The message of a loguru record on one line, with its exception's type and message behind it."""
    message = clean(record["message"], limit)
    error = _error_of(record)
    return message if error is None else f"{message}  {describe(error)}"[:limit]


def _error_of(record: Mapping[str, Any]) -> BaseException | None:
    exception = record["exception"]
    return exception.value if exception is not None else None


def _without_secrets(text: str, limit: int) -> str:
    """At most `limit` characters. Half a secret does not look like one, so more is looked at than is kept."""
    if len(text) <= limit:
        return redact(text)
    seen = text[: limit + 2 * LONGEST_SECRET]
    kept = redact(seen) if len(seen) == len(text) else redact(seen)[:-LONGEST_SECRET]
    return kept if len(kept) < limit else f"{kept[: limit - 1]}…"


def _marked(text: str) -> str:
    return text if text.isprintable() else f"\n{MARK}".join(map(printable, text.splitlines()))


def _traceback(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception(error, limit=-FRAMES))
    except Exception as broken:  # noqa: BLE001 # whatever a foreign exception does when it is looked at
        text = f"<the traceback of a {type(error).__name__} cannot be shown: {type(broken).__name__}>"
    return redact(text[-LONGEST_TRACEBACK:])
