"""Patterns: `workers/*` names several children at once.

A pattern may come from an untrusted client, so its cost is bounded: a pattern has `MAX_PATTERN` characters at the most
and is compiled once, and matching reads a path once from its beginning to its end, whatever the pattern is.
"""

from collections.abc import Iterator
from itertools import pairwise

from otp.core.paths import parts
from otp.errors import PatternError

MAX_PATTERN = 256
"""Characters that a pattern may have."""

MAX_PARTS = 32
"""Parts that a pattern may have between its slashes."""


def is_pattern(path: str) -> bool:
    """Whether the text may name more than one child: it holds `*`, `?` or `[`."""
    return any(character in path for character in "*?[")


def matches(path: str, pattern: str) -> bool:
    """Whether the pattern names `path`. For many paths make one `Pattern`."""
    return Pattern(pattern).matches(path)


class Pattern:
    """A pattern: `*`, `?` and `[…]` stand for text within one id, `**` for any ids, also none.

    It is a nondeterministic automaton that simulates all its states at once, each a bit of one integer: bit n is set
    while the path, as far as it has been read, fits the first n tokens. So one character of a path costs one step, and
    there is no backtracking.

    Raises:
        PatternError: it is longer than a pattern may be.
    """

    __slots__ = ("_below", "_by_character", "_end", "_stars", "_start", "_tokens", "_tops")

    def __init__(self, pattern: str) -> None:
        ids = parts(pattern)
        if len(pattern) > MAX_PATTERN or len(ids) > MAX_PARTS:
            raise PatternError(len(pattern), len(ids), longest=MAX_PATTERN, most_parts=MAX_PARTS)
        needed = (
            part for before, part in pairwise(("", *ids)) if not before == part == "**"
        )  # several `**` are as one
        self._tokens = tuple(token for part in needed for token in _tokens(part))
        self._stars = _bits(self._tokens, _Star)
        self._tops = _bits(self._tokens, _Top)
        self._below = _bits(self._tokens, _Below)
        self._end = 1 << len(self._tokens)
        self._start = self._with_empty_moves(1)
        self._by_character: dict[str, tuple[int, int]] = {}

    def matches(self, path: str) -> bool:
        """Whether the pattern names `path`."""
        return bool(self._read(path) & self._end)

    def matches_within(self, path: str) -> bool:
        """Whether the pattern names `path`, or an ancestor of it."""
        return bool(self._read(path, until=self._end) & self._end)

    def _read(self, path: str, *, until: int = 0) -> int:
        """The states after the path has been read, or after the first of its ids that leads to a state in `until`."""
        states, moves = self._start, self._by_character
        for character in "".join(f"/{id}" for id in parts(path)):
            if not states or (character == "/" and states & until):
                break
            if character not in moves:
                moves[character] = self._moves(character)
            advancing, staying = moves[character]
            states = self._with_empty_moves((states & advancing) << 1 | states & staying)
        return states

    def _with_empty_moves(self, states: int) -> int:
        """Add the states that are reached without reading: `*` may stand for nothing, and `**` for no id."""
        states |= (states & self._stars) << 1
        states |= (states & self._tops) << 2
        return states | (states & self._below) << 1

    def _moves(self, character: str) -> tuple[int, int]:
        """The states that the character advances, and those that it leaves as they are, as bits."""
        advancing = sum(1 << number for number, token in enumerate(self._tokens) if token.accepts(character))
        return advancing, self._below | (0 if character == "/" else self._stars)


# ------------------------------------------------------------------------------------------------ tokens


class _Character:
    """One character."""

    def __init__(self, character: str) -> None:
        self._character = character

    def accepts(self, character: str) -> bool:
        return character == self._character


class _AnyCharacter:
    """`?`: one character of an id."""

    def accepts(self, character: str) -> bool:
        return character != "/"


class _Class:
    """`[a-z_]`, `[!0-9]`: one character that is, or is not, among these."""

    def __init__(self, listed: str) -> None:
        self._negated = listed.startswith("!")
        self._ranges = tuple(_ranges(listed.removeprefix("!")))

    def accepts(self, character: str) -> bool:
        return character != "/" and any(first <= character <= last for first, last in self._ranges) is not self._negated


class _Star:
    """`*`: some characters of an id, also none."""

    def accepts(self, character: str) -> bool:  # noqa: ARG002 # an empty move passes it
        return False


class _Top(_Character):
    """`**`, its first half: the slash before the first id."""

    def __init__(self) -> None:
        super().__init__("/")


class _Below(_Star):
    """`**`, its second half: all that follows; the next token wants a slash, or there is none."""


_Token = _Character | _AnyCharacter | _Class | _Star


def _bits(tokens: tuple[_Token, ...], kind: type[_Token]) -> int:
    return sum(1 << number for number, token in enumerate(tokens) if type(token) is kind)


def _tokens(part: str) -> Iterator[_Token]:
    """The tokens of a part; a slash stands before each id."""
    if part == "**":
        yield _Top()
        yield _Below()
        return
    yield _Character("/")
    at = 0
    while at < len(part):
        end = _end_of_class(part, at) if part[at] == "[" else -1
        if end > 0:
            yield _Class(part[at + 1 : end])
        elif part[at] == "*":
            if not part.startswith("**", at):  # several `*` are as one
                yield _Star()
        else:
            yield _AnyCharacter() if part[at] == "?" else _Character(part[at])
        at = max(at, end) + 1


def _end_of_class(part: str, at: int) -> int:
    """Where the character class ends that begins here; -1: nowhere, so that its bracket stands for itself."""
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
