"""Which failures want a restart, and which children a restart takes along."""

from otp.core.child import Child
from otp.exits import Exit
from otp.spec import Restart, Strategy

__all__ = ("affected", "wants_restart")


_PERMANENT = Restart.PERMANENT
_TEMPORARY = Restart.TEMPORARY


def wants_restart(restart: Restart, exit: Exit) -> bool:
    """The table of S16: permanent always, transient after an ABNORMAL exit, temporary never."""
    return restart is _PERMANENT or (exit.abnormal and restart is not _TEMPORARY)


def affected(strategy: Strategy, children: dict[str, Child], failed: Child) -> list[Child]:
    """The children that are restarted when `failed` is, itself included, in start order (S21-S23)."""
    match strategy:
        case Strategy.ONE_FOR_ONE:
            return [failed]
        case Strategy.ONE_FOR_ALL:
            return list(children.values())
        case Strategy.REST_FOR_ONE:  # pragma: no branch # there is no other
            return _from(failed, children)


def _from(failed: Child, children: dict[str, Child]) -> list[Child]:
    # Walked from the end, so that the cost is that of the group and not that of the tree.
    group: list[Child] = []
    for child in reversed(children.values()):  # pragma: no branch # it is among them
        group.append(child)
        if child is failed:
            break
    group.reverse()
    return group
