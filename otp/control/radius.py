"""The blast radius: whom a command touches, told from rows alone, before anything is done."""

from collections.abc import Iterable

from otp.control.rows import ChildRow
from otp.core.paths import is_within
from otp.spec import Strategy

__all__ = ("of_restart", "of_stop")


def of_restart(rows: Iterable[ChildRow], path: str) -> tuple[str, ...]:
    """Whom a restart of `path` stops and starts, in start order: all below it, and the siblings that are taken along.

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
            group = siblings
        case Strategy.REST_FOR_ONE:
            group = siblings[siblings.index(path) :]
        case _:
            group = [path]
    return tuple(row.path for row in rows if any(is_within(row.path, one) for one in group))


def of_stop(rows: Iterable[ChildRow], path: str) -> tuple[str, ...]:
    """Whom a stop or a start of `path` touches: itself and all below it, in start order."""
    return tuple(row.path for row in rows if is_within(row.path, path))
