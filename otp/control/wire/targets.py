"""Which children a command means: a path, or a pattern, with or without the root's id in front."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from otp.control.wire.rows import ChildRow
from otp.core.paths import id_of, is_within, join, parts
from otp.core.patterns import Pattern, is_pattern
from otp.errors import ControlError

SHOWN = 8
"""Paths that a message lists."""

SPELT = 250
"""Children among which a misspelt path is looked for: that is done in the tree's event loop."""

NEAR = 0.6
"""Share of two paths that has to be alike for one to be a misspelling of the other."""

FURTHER = 0.1
"""How much less than the likeliest other candidates may share with the misspelt path."""


class Node(NamedTuple):
    """One child, or the root, as a command sees it.

    Attributes:
        path: from the root's id on.
        state: as in its row.
        strategy: of a supervisor that runs; else empty.
    """

    path: str
    state: str
    strategy: str


N = TypeVar("N", Node, ChildRow)


class NoSuchChild(ControlError):
    """No child has this path, or fits this pattern."""


class TooMany(ControlError):
    """The pattern names more than one child, where one is meant."""


def absolute(app: str, path: str) -> str:
    """The path or pattern from the root on: `workers/*` under the root `massive` is `massive/workers/*`."""
    ids = parts(path)
    return "/".join(ids) if ids[:1] in ((app,), ("**",)) else join(app, "/".join(ids))


class Target:
    """What a path or a pattern means, with or without the root's id in front.

    Args:
        app: the id of the root.
        path: the path or pattern.

    Raises:
        PatternError: it is longer than a pattern may be.
    """

    def __init__(self, app: str, path: str) -> None:
        self._path = absolute(app, path)
        self._pattern = Pattern(self._path) if is_pattern(self._path) else None

    def names(self, path: str) -> bool:
        """Whether it names `path`."""
        return path == self._path if self._pattern is None else self._pattern.matches(path)

    def covers(self, path: str) -> bool:
        """Whether it names `path`, or a child above it."""
        return is_within(path, self._path) if self._pattern is None else self._pattern.matches_within(path)


def covering(app: str, path: str) -> Callable[[str], bool]:
    """Return what tells of a path whether a path or pattern names it, or a child above it; an empty one names all.

    Raises:
        PatternError: it is longer than a pattern may be.
    """
    return Target(app, path).covers if path else lambda _: True


def chosen(rows: Sequence[N], path: str, *, many: bool = True) -> list[N]:
    """The rows that a path or a pattern names, in start order; of those within each other the outermost only.

    Args:
        rows: the whole tree, the root first.
        path: a path or pattern; an empty one names no child.
        many: whether it may name more than one.

    Raises:
        NoSuchChild: it names none.
        TooMany: it names more than one, and `many` is False.
        PatternError: it is longer than a pattern may be.
    """
    target = Target(rows[0].path, path)
    return decided(rows, [row for row in rows if target.names(row.path)], path, many=many)


def decided(rows: Sequence[N], found: Sequence[N], path: str, *, many: bool = True) -> list[N]:
    """The outermost of the rows that were `found` for `path`; raises what `chosen` raises."""
    if not parts(path) or not found:
        raise NoSuchChild(_nothing(rows, path))
    outermost = _outermost(found)
    if len(outermost) > 1 and not many:
        raise TooMany(
            f"{path} names {len(outermost)} children: {_listed(row.path for row in outermost)}; "
            "add --all to act on all of them, or name one"
        )
    return outermost


def one(rows: Sequence[N], path: str) -> N:
    """The row of exactly one path.

    Raises:
        NoSuchChild: no child has it.
        TooMany: the pattern names more than one.
        PatternError: it is longer than a pattern may be.
    """
    return single(chosen(rows, path), path)


def single(found: Sequence[N], path: str) -> N:
    """The only one of the rows that were `found` for `path`.

    Raises:
        TooMany: there is more than one.
    """
    if len(found) > 1:
        raise TooMany(f"{path} names {len(found)} children: {_listed(row.path for row in found)}; name one of them")
    return found[0]


def _outermost(rows: Iterable[N]) -> list[N]:
    found: list[N] = []
    for row in rows:  # each before those below it
        if not found or not is_within(row.path, found[-1].path):
            found.append(row)
    return found


def _nothing(rows: Sequence[N], path: str) -> str:
    paths = [row.path for row in rows]
    if not parts(path):
        return f"no child is named; there are {_listed(paths[1:])}"
    wanted = absolute(rows[0].path, path)
    if is_pattern(wanted):
        return f"no child matches {wanted}; there are {_listed(paths[1:])}"
    last = id_of(wanted)
    near = [known for known in paths if id_of(known) == last] or _near(wanted, paths[:SPELT])
    hint = f"did you mean {' or '.join(near[:3])}?" if near else f"there are {_listed(paths[1:])}"
    return f"there is no child {wanted}; {hint}"


def _near(wanted: str, paths: Sequence[str]) -> list[str]:
    """The names that a misspelt one may mean, the likeliest first. Shared letters are counted, so a long name costs no more."""
    pairs = _pairs(wanted)
    alike = [(2 * (pairs & _pairs(path)).total() / (pairs.total() + len(path) + 1), path) for path in paths]
    least = max(NEAR, max(alike)[0] - FURTHER)
    return [path for share, path in sorted(alike, reverse=True) if share >= least]


def _pairs(path: str) -> Counter[str]:
    """Each two characters that follow each other, its beginning and its end being one too."""
    return Counter(map("".join, zip(f"/{path}", f"{path}/", strict=True)))


def _listed(paths: Iterable[str]) -> str:
    listed = list(paths)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return (", ".join(listed[:SHOWN]) or "none") + more
