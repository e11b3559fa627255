"""Which failures want a restart, and which children a restart takes along."""

from collections.abc import Reversible
from typing import TypeVar

from otp.exits import Exit
from otp.spec import Restart, Strategy

T = TypeVar("T")

_PERMANENT = Restart.PERMANENT
_TEMPORARY = Restart.TEMPORARY


def wants_restart(restart: Restart, exit: Exit) -> bool:
    """The table of S16: permanent always, transient after an ABNORMAL exit, temporary never."""
    return restart is _PERMANENT or (exit.abnormal and restart is not _TEMPORARY)


def taken_along(strategy: Strategy, siblings: Reversible[T], failed: T) -> list[T]:
    """The children that are restarted when `failed` is, itself included, in start order (S21-S23).

    Args:
        strategy: of their supervisor.
        siblings: all its children, in start order: their records, ids or paths.
        failed: one of them.
    """
    match strategy:
        case Strategy.ONE_FOR_ONE:
            return [failed]
        case Strategy.ONE_FOR_ALL:
            return list(siblings)
        case Strategy.REST_FOR_ONE:  # pragma: no branch # no fourth strategy
            return _from(failed, siblings)


def _from(failed: T, siblings: Reversible[T]) -> list[T]:
    # Walked from the end, so that the cost is that of the group and not that of the tree.
    group: list[T] = []
    for child in reversed(siblings):  # pragma: no branch # `failed` is among them
        group.append(child)
        if child == failed:
            break
    group.reverse()
    return group
