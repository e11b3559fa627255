"""The blast radius: the children that a command touches, known from an outline of the tree before anything is done."""

from collections.abc import Iterable

from otp.control.wire.targets import Node
from otp.core.paths import is_within
from otp.spec import Strategy

__all__ = ("of_restart", "of_stop")


def of_restart(rows: Iterable[Node], path: str) -> tuple[str, ...]:
    """The children that a restart of `path` stops and starts, in start order: all below it, and the siblings taken along.

    Args:
        rows: of the whole tree, the root first.
        path: of the child.
    """
    rows = tuple(rows)
    above = path.rpartition("/")[0]
    strategy = next((row.strategy for row in rows if row.path == above), "")
    siblings = [row.path for row in rows if row.path.rpartition("/")[0] == above and row.path != above]
    match strategy:
        case Strategy.ONE_FOR_ALL:
            group = set(siblings)
        case Strategy.REST_FOR_ONE:
            group = set(siblings[siblings.index(path) :])
        case _:
            group = {path}
    return tuple(row.path for row in rows if _child_above(row.path, above) in group)


def of_stop(rows: Iterable[Node], path: str) -> tuple[str, ...]:
    """The children that a stop or a start of `path` touches: itself and all below it, in start order."""
    return tuple(row.path for row in rows if is_within(row.path, path))


def _child_above(path: str, above: str) -> str:
    """The child of `above` that `path` is, or is below; empty if there is none."""
    if not is_within(path, above) or path == above:
        return ""
    end = path.find("/", len(above) + 1)
    return path if end < 0 else path[:end]
