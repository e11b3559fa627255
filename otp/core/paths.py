"""Paths: `massive/workers/ws_worker` names a child from the root of its tree down, and a pattern names several.

A pattern may come from a stranger, so what it costs is bounded: it is compiled once, `MAX_PATTERN` characters of it at
the most, and then every path is read once from its beginning to its end, whatever the pattern is.
"""

from collections.abc import Iterator
from itertools import pairwise

from otp.errors import PatternError

__all__ = (
    "MAX_PARTS",
    "MAX_PATTERN",
    "Pattern",
    "ancestors",
    "is_pattern",
    "is_within",
    "join",
    "matches",
    "name_of",
    "parent_of",
    "parts",
)

MAX_PATTERN = 256
"""Characters that a pattern may have."""

MAX_PARTS = 32
"""Parts that a pattern may have between its slashes."""


def join(parent: str, child: str) -> str:
    """The path of `child` under `parent`; an empty parent is above the root."""
    return f"{parent}/{child}" if parent else child


def parent_of(path: str) -> str:
    """The path of the supervisor above; empty above the root."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last id of a path."""
    return path.rpartition("/")[2]


def ancestors(path: str) -> Iterator[str]:
    """The paths of the supervisors above, the nearest first and the root last."""
    while path := parent_of(path):
        yield path


def is_within(path: str, above: str) -> bool:
    """Whether `path` is `above` or a child somewhere below it."""
    return path == above or path.startswith(f"{above}/")


def parts(path: str) -> tuple[str, ...]:
    """The ids along a path, outermost first; empty for an empty path. Slashes at either end do not matter."""
    return tuple(part for part in path.split("/") if part)


def is_pattern(path: str) -> bool:
    """Whether it may name more than one child: it holds `*`, `?` or `[`."""
    return any(sign in path for sign in "*?[")


def matches(path: str, pattern: str) -> bool:
    """Whether the pattern names `path`; for many paths, make one `Pattern`."""
    return Pattern(pattern).matches(path)


class Pattern:
    """A pattern: `*`, `?` and `[…]` stand for text within one id, `**` for any ids, also none.

    It is an automaton that is in several states at once, each a bit of one integer: bit n is set while the path, as far
    as it has been read, fits the first n tokens. So one character of a path costs one step, and no token is ever tried
    again, as it is where one guess after the other is taken back.

    Raises:
        PatternError: it is longer than a pattern may be.
    """

    __slots__ = ("_below", "_by_sign", "_end", "_stars", "_start", "_tokens", "_tops")

    def __init__(self, pattern: str) -> None:
        ids = parts(pattern)
        if len(pattern) > MAX_PATTERN or len(ids) > MAX_PARTS:
            raise PatternError(len(pattern), len(ids), longest=MAX_PATTERN, most_parts=MAX_PARTS)
        needed = (part for before, part in pairwise(("", *ids)) if not before == part == "**")  # several are as one
        self._tokens = tuple(token for part in needed for token in _tokens(part))
        self._stars = _bits(self._tokens, _Star)
        self._tops = _bits(self._tokens, _Top)
        self._below = _bits(self._tokens, _Below)
        self._end = 1 << len(self._tokens)
        self._start = self._without_reading(1)
        self._by_sign: dict[str, tuple[int, int]] = {}

    def matches(self, path: str) -> bool:
        """Whether it names `path`."""
        return bool(self._read(path) & self._end)

    def matches_within(self, path: str) -> bool:
        """Whether it names `path`, or a child above it."""
        return bool(self._read(path, until=self._end) & self._end)

    def _read(self, path: str, *, until: int = 0) -> int:
        """The states behind the path, or behind the first of its ids at which one of `until` is among them."""
        states, moves = self._start, self._by_sign
        for sign in "".join(f"/{id}" for id in parts(path)):
            if not states or (sign == "/" and states & until):
                break
            if sign not in moves:
                moves[sign] = self._moves(sign)
            advancing, staying = moves[sign]
            states = self._without_reading((states & advancing) << 1 | states & staying)
        return states

    def _without_reading(self, states: int) -> int:
        """With the states that are reached because `*` stands for nothing, and `**` for no id."""
        states |= (states & self._stars) << 1
        states |= (states & self._tops) << 2
        return states | (states & self._below) << 1

    def _moves(self, sign: str) -> tuple[int, int]:
        """Which tokens the character fulfils, and in which it stays."""
        advancing = sum(1 << number for number, token in enumerate(self._tokens) if token.takes(sign))
        return advancing, self._below | (0 if sign == "/" else self._stars)


# ------------------------------------------------------------------------------------------------ tokens


class _Sign:
    """One character."""

    def __init__(self, sign: str) -> None:
        self._sign = sign

    def takes(self, sign: str) -> bool:
        return sign == self._sign


class _AnySign:
    """`?`: one character of an id."""

    def takes(self, sign: str) -> bool:
        return sign != "/"


class _Class:
    """`[a-z_]`, `[!0-9]`: one character that is, or is not, among these."""

    def __init__(self, listed: str) -> None:
        self._negated = listed.startswith("!")
        self._ranges = tuple(_ranges(listed.removeprefix("!")))

    def takes(self, sign: str) -> bool:
        return sign != "/" and any(first <= sign <= last for first, last in self._ranges) is not self._negated


class _Star:
    """`*`: some characters of an id, also none."""

    def takes(self, sign: str) -> bool:  # noqa: ARG002 # it is passed without reading
        return False


class _Top(_Sign):
    """`**`, its first half: the slash before the first id."""

    def __init__(self) -> None:
        super().__init__("/")


class _Below(_Star):
    """`**`, its second half: all that follows; the next token wants a slash, or there is none."""


_Token = _Sign | _AnySign | _Class | _Star


def _bits(tokens: tuple[_Token, ...], kind: type[_Token]) -> int:
    return sum(1 << number for number, token in enumerate(tokens) if type(token) is kind)


def _tokens(part: str) -> Iterator[_Token]:
    """The tokens of a part; a slash stands before each id."""
    if part == "**":
        yield _Top()
        yield _Below()
        return
    yield _Sign("/")
    at = 0
    while at < len(part):
        end = _end_of_class(part, at) if part[at] == "[" else -1
        if end > 0:
            yield _Class(part[at + 1 : end])
        elif part[at] == "*":
            if not part.startswith("**", at):  # several are as one
                yield _Star()
        else:
            yield _AnySign() if part[at] == "?" else _Sign(part[at])
        at = max(at, end) + 1


def _end_of_class(part: str, at: int) -> int:
    """Where the class ends that begins here; -1: nowhere, so that its bracket stands for itself."""
    first = at + 2 if part.startswith("[!", at) else at + 1
    return part.find("]", first + 1)


def _ranges(listed: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(listed):
        if listed[at + 1 : at + 2] == "-" and at + 2 < len(listed):
            yield listed[at], listed[at + 2]
            at += 3
        else:
            yield listed[at], listed[at]
            at += 1
