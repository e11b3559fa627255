"""Describes an exception as redacted text, so that the object can be freed."""

from collections import deque
from itertools import islice
from types import TracebackType
from typing import Any

from otp.errors import Hung
from otp.exits import Crash
from otp.foreign.causes import causes, leaves, tracebacks
from otp.text.printable import printable
from otp.text.quoting import TEXT_LIMIT, raw_text_of, text_of, type_name
from otp.text.redaction import clean_name, redact

SCAN_LIMIT = 8_192
"""Characters of a message that are looked through for secrets."""

LONGEST_SECRET = 1_024
"""Characters that a secret may have to be kept out of a message that is cut."""

LEAF_LIMIT = 8
"""Exceptions of a group that are kept: the first. Each has its part of the message's length."""

FRAME_LIMIT = 30
"""Frames that are kept: the innermost."""


FRAME_LENGTH = 500
"""Characters of one of them."""

CAUSE_LIMIT = 5
"""Exceptions of a chain of causes that a report shows: the first."""


def describe(error: BaseException) -> Crash:
    """The type of `error`, its message on one line, and its frames without those of the runtime.

    Raises nothing and takes a bounded time, whatever the methods of `error` do.
    """
    found = () if next(leaves(error)) is error else tuple(leaves(error))
    return Crash(
        type=clean_name(type_name(type(error))),
        message=message_of(error),
        frames=_frames(error),
        leaves=tuple(map(_describe_leaf, found[:LEAF_LIMIT])),
        more=max(0, len(found) - LEAF_LIMIT),
    )


def report(error: BaseException) -> str:
    """`error` and its causes on several lines, for finding the fault in the code."""
    return "\n".join(
        "\n  ".join((str(crash), *crash.frames)) for crash in map(describe, islice(causes(error), CAUSE_LIMIT))
    )


def message_of(error: BaseException, limit: int = TEXT_LIMIT) -> str:
    """`str(error)` on one line, redacted, of at most `limit` characters."""
    text = raw_text_of(error, SCAN_LIMIT + 1)
    line = printable(_without_secrets(text))
    return line if len(line) <= limit and len(text) <= SCAN_LIMIT else f"{line[: limit - 1]}…"


def _describe_leaf(error: BaseException) -> Crash:
    return Crash(
        type=clean_name(type_name(type(error))),
        message=message_of(error, TEXT_LIMIT // LEAF_LIMIT),
        frames=_frames(error),
    )


def _without_secrets(text: str) -> str:
    """The text redacted. Half a secret is not recognized, so where the text was cut, the end is dropped too."""
    if len(text) <= SCAN_LIMIT:
        return redact(text)
    return redact(text[:SCAN_LIMIT])[:-LONGEST_SECRET]


def _frames(error: BaseException) -> tuple[str, ...]:
    if type(error) is Hung and not any(tracebacks(error)):  # it was not raised: the frames are where the child was
        return tuple(clean_name(_as_frame(step)) for step in error.chain[-FRAME_LIMIT:])
    steps = deque((step for step in tracebacks(error) if not _is_ours(step)), FRAME_LIMIT)
    return tuple(map(_place, steps))


def _is_ours(step: TracebackType) -> bool:
    plain: Any = dict
    name: object = plain.get(step.tb_frame.f_globals, "__name__")
    return type(name) is str and name == "otp.runtime.child"


def _place(step: TracebackType) -> str:
    code = step.tb_frame.f_code
    return clean_name(text_of(f"{code.co_filename}:{step.tb_lineno} {code.co_qualname}", FRAME_LENGTH))


def _as_frame(step: str) -> str:
    function, _, place = step.rpartition(" ")
    return f"{place[1:-1]} {function}"
