"""Which children a command means: a path, or a pattern, with or without the root's id in front."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from otp.control.rows import ChildRow
from otp.core.paths import is_pattern, is_within, join, matches, parts
from otp.errors import ControlError

__all__ = ("NoSuchChild", "Node", "TooMany", "absolute", "chosen", "one")

SHOWN = 8
"""Paths that a message lists."""

SPELT = 1_000
"""Children among which a path that is spelt wrong is looked for."""


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
    """Nothing has this path."""


class TooMany(ControlError):
    """The pattern names more than one child, and acting on many was not said to be meant."""


def absolute(app: str, path: str) -> str:
    """The path or pattern from the root on: `workers/*` under the root `massive` is `massive/workers/*`."""
    ids = parts(path)
    return "/".join(ids) if ids[:1] in ((app,), ("**",)) else join(app, "/".join(ids))


def chosen(rows: Sequence[N], path: str, *, many: bool = True) -> list[N]:
    """The rows that a path or a pattern names, in start order; of those within each other the outermost only.

    Args:
        rows: the whole tree, the root first.
        path: a path or pattern; empty: nothing is meant, which is an error.
        many: whether it may be more than one.

    Raises:
        NoSuchChild: there is none.
        TooMany: there are more, and only one was wanted.
    """
    wanted = absolute(rows[0].path, path)
    found = [row for row in rows if (matches(row.path, wanted) if is_pattern(wanted) else row.path == wanted)]
    if not parts(path) or not found:
        raise NoSuchChild(_nothing(rows, path))
    found = _outermost(found)
    if len(found) > 1 and not many:
        raise TooMany(
            f"{path} names {len(found)} children: {_listed(row.path for row in found)}; "
            "add --all to act on all of them, or name one"
        )
    return found


def one(rows: Sequence[N], path: str) -> N:
    """The row of exactly one path.

    Raises:
        NoSuchChild: there is none.
        TooMany: the pattern names more than one.
    """
    found = chosen(rows, path)
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
    ends = [known for known in paths if parts(known)[-1] == parts(path)[-1]]
    near = ends or get_close_matches(wanted, paths[:SPELT], n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near[:3])}?" if near else f"there are {_listed(paths[1:])}"
    return f"there is no child {wanted}; {hint}"


def _listed(paths: Iterable[str]) -> str:
    listed = list(paths)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return (", ".join(listed[:SHOWN]) or "none") + more
