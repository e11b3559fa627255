"""Describing an exception as text, so that it can be let go. Here secrets are taken out of it, for all who read it."""

from collections.abc import Iterator
from traceback import walk_tb
from typing import cast

from otp.errors import Hung
from otp.exits import Crash
from otp.printable import printable
from otp.runtime.redaction import clean_name, redact

__all__ = ("describe",)

MESSAGE_LIMIT = 2_048
"""Characters of a message that are kept."""

SCAN_LIMIT = 8_192
"""Characters of a message that are looked through for secrets."""

LONGEST_SECRET = 1_024
"""Characters that a secret may have to be kept out of a message that is cut."""

LEAF_LIMIT = 8
"""Exceptions of a group that are kept: the first. Each has its part of the message's length."""

FRAME_LIMIT = 30
"""Frames that are kept: the innermost."""


def describe(error: BaseException) -> Crash:
    """What `error` was: its type, its message on one line, its frames without those of the runtime."""
    leaves = tuple(_leaves(error))
    return Crash(
        type=_type_name(type(error)),
        message=_message(error, MESSAGE_LIMIT),
        frames=_frames(error),
        leaves=tuple(map(_describe_leaf, leaves[:LEAF_LIMIT])),
        more=max(0, len(leaves) - LEAF_LIMIT),
    )


def _describe_leaf(error: BaseException) -> Crash:
    return Crash(
        type=_type_name(type(error)),
        message=_message(error, MESSAGE_LIMIT // LEAF_LIMIT),
        frames=_frames(error),
    )


def _type_name(kind: type[BaseException]) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return clean_name(name)


def _message(error: BaseException, limit: int) -> str:
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 # whatever a foreign __str__ raises, the crash is reported
        text = f"<str() raised {type(broken).__name__}>"
    line = printable(_without_secrets(text))
    return line if len(line) <= limit and len(text) <= SCAN_LIMIT else f"{line[: limit - 1]}…"


def _without_secrets(text: str) -> str:
    """What is kept of it at the most. Half a secret does not look like one, so the end of what was cut is left out."""
    if len(text) <= SCAN_LIMIT:
        return redact(text)
    return redact(text[:SCAN_LIMIT])[:-LONGEST_SECRET]


def _frames(error: BaseException) -> tuple[str, ...]:
    if isinstance(error, Hung):  # it was not raised: what counts is where the child was
        return tuple(clean_name(_as_frame(step)) for step in error.chain[-FRAME_LIMIT:])
    frames = [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") != "otp.runtime.child"
    ]
    return tuple(map(clean_name, frames[-FRAME_LIMIT:]))


def _as_frame(step: str) -> str:
    function, _, place = step.rpartition(" ")
    return f"{place[1:-1]} {function}"


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            if isinstance(part, BaseExceptionGroup):
                yield from _leaves(cast("BaseException", part))
            else:
                yield part
