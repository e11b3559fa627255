"""Checks of the values that a spec is built from: each returns the value to keep, or raises `SpecError`.

A value is kept as its plain type, even where a subclass was given, so that later uses run no foreign code. Seconds are
kept as `float`, so that none is too large for a clock or for JSON.
"""

import math
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, TypeVar, cast

from otp.errors import SpecError
from otp.text.quoting import quoted, text_of, type_name

ABOVE_0 = math.ulp(0.0)
"""The least of the numbers above 0."""

FINITE = sys.float_info.max
"""The largest of the numbers that have an end."""

SHORTEST = 0.001
"""Seconds: the shortest pause of a loop; a shorter one would hardly let other tasks run."""

LARGEST = 2**63 - 1
"""The largest whole number: more does not fit into 64 bits, as which other programs read it."""

NAME_LIMIT = 10_000
"""Characters of a name."""

MOST = 1_000_000
"""Values that an iterable may give; one with more counts as endless."""

E = TypeVar("E", bound=StrEnum)


def wrong(what: str, expected: str, value: object, instead: str = "") -> SpecError:
    """The error for a wrong value, which it shows in a safe way, whatever it is."""
    return SpecError(f"{what}: expected {expected}, got {quoted(value)}{f'; {instead}' if instead else ''}")


def keep(spec: object, field: str, value: object) -> None:
    """Set a field of a frozen dataclass while it is built."""
    object.__setattr__(spec, field, value)


def is_a(value: object, kinds: type | tuple[type, ...]) -> bool:
    """`isinstance` by the type alone: an object may lie about its `__class__`, or raise when that is read."""
    return issubclass(type(value), kinds)


def number(value: object) -> float:
    """The value as a float; NaN if it is not a number, or too large for a float."""
    kind: type = type(value)
    if kind is float:
        return cast("float", value)
    if issubclass(kind, float):
        return float.__float__(cast("float", value))
    if not issubclass(kind, int) or kind is bool:
        return math.nan
    try:
        return float(int.__int__(cast("int", value)))
    except OverflowError:
        return math.nan


def bounded(what: str, value: object, expected: str, least: float, most: float = FINITE) -> float:
    """A number from `least` to `most`, both included.

    Args:
        what: names the place, for the message.
        value: what was given.
        expected: what it has to be, for the message.
        least: such as `ABOVE_0`.
        most: `math.inf` where that has a meaning.
    """
    found = number(value)
    if least <= found <= most:
        return found
    raise wrong(what, expected, value)


def whole(what: str, value: object, expected: str, *, least: int) -> int:
    """A whole number, `least` or more, and no larger than what fits into 64 bits."""
    kind = type(value)
    if issubclass(kind, int) and kind is not bool:
        found = int.__int__(cast("int", value))
        if least <= found <= LARGEST:
            return found
        if found > LARGEST:
            expected = f"{expected}, {LARGEST} at the most"
    raise wrong(what, expected, value)


def flag(what: str, value: object) -> bool:
    """True or False."""
    if type(value) is not bool:
        raise wrong(what, "True or False", value)
    return value


def member(what: str, value: object, members: type[E]) -> E:
    """A member of an enum."""
    if type(value) is not members:
        choices = ", ".join(f"{members.__name__}.{each.name}" for each in members)
        raise wrong(what, f"one of {choices}", value)
    return value


def text(value: object) -> str:
    """The value as a plain string; empty if it is not a string."""
    return str.__str__(cast("str", value)) if issubclass(type(value), str) else ""


def name(what: str, value: object) -> str:
    """A name: text that can be printed on one line, and is not too long for one."""
    found = text(value)
    if not found:
        raise wrong(what, "a name", value)
    if len(found) > NAME_LIMIT:
        raise wrong(what, f"a name of {NAME_LIMIT} characters at the most", value, f"it has {len(found)}")
    if not found.isprintable() or found.isspace():
        raise wrong(what, "a name that can be printed", value)
    return found


def is_nothing(values: object) -> bool:
    """Whether the value is the empty tuple, as in most specs."""
    return values is _NOTHING


_NOTHING: tuple[Any, ...] = ()


def each(what: str, values: object, expected: str, instead: str = "") -> Iterator[Any]:
    """The values of a foreign iterable, which may turn out not to be one, or raise."""
    try:
        if issubclass(type(values), str | bytes):
            raise TypeError  # noqa: TRY301 # its letters are not meant
        left = iter(cast("Iterable[Any]", values))
    except BaseException:  # noqa: BLE001 # of foreign code
        raise wrong(what, expected, values, instead) from None
    try:
        for number, value in enumerate(left):
            if number == MOST:
                raise SpecError(f"{what}: expected {expected}, got more than {MOST} of them")  # noqa: TRY301 # all in one
            yield value
    except SpecError:
        raise
    except Exception as error:
        kind = type_name(type(error)).rpartition(".")[2]
        raise SpecError(f"{what}: expected {expected}, got an iterable that raised {kind}: {text_of(error)}") from error


def arguments(what: str, args: object) -> tuple[Any, ...]:
    """The positional arguments of a call."""
    if not issubclass(type(args), tuple):
        raise wrong(what, "a tuple", args)
    plain: Any = tuple
    found: tuple[Any, ...] = plain.__getitem__(args, slice(None))
    return found
