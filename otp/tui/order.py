"""Which children are shown, and in what order."""

from collections.abc import Sequence
from enum import StrEnum
from math import inf

from otp.control.rows import ChildRow
from otp.core.paths import is_pattern, matches
from otp.tui.states import gravity

__all__ = ("Order", "arranged", "found")


class Order(StrEnum):
    """By what the children are sorted; ties stay in tree order."""

    TREE = "tree"
    """Each before its own children, in start order."""

    PROBLEMS = "problems"
    """The gravest first."""

    RECENT = "recently started"
    """The youngest first: one that flaps stays on top."""

    RESTARTS = "restarts"
    """Most crashes first, then most restarts of any kind."""

    DOWN = "down"
    """Those that are down first, the longest first; then by the time down all together."""

    def next(self) -> "Order":
        """The one after this, and the first after the last."""
        all_of_them = list(Order)
        return all_of_them[(all_of_them.index(self) + 1) % len(all_of_them)]


def arranged(rows: Sequence[ChildRow], order: Order) -> list[ChildRow]:
    """The rows, given in tree order, in that order."""
    match order:
        case Order.TREE:
            return list(rows)
        case Order.PROBLEMS:
            return sorted(rows, key=lambda row: (-gravity(row), -(row.down_s or 0.0), -row.streak))
        case Order.RECENT:
            return sorted(rows, key=lambda row: inf if row.up_s is None else row.up_s)
        case Order.RESTARTS:
            return sorted(rows, key=lambda row: (-row.crashes, -(row.manual + row.collateral)))
        case Order.DOWN:
            return sorted(rows, key=lambda row: (-(row.down_s or 0.0), -row.downtime_s))


def found(rows: Sequence[ChildRow], sought: str, *, with_above: bool) -> list[ChildRow]:
    """The rows that a filter lets through.

    Args:
        rows: in tree order.
        sought: part of a path or of a state, or a pattern such as `workers/*`; empty: all.
        with_above: the supervisors above those that fit too, so that a tree stays one.
    """
    if not sought:
        return list(rows)
    kept = [row for row in rows if _fits(row, sought)]
    if not with_above:
        return kept
    wanted = {row.path for row in kept}
    above = {path[:end] for path in wanted for end in range(len(path)) if path[end] == "/"}
    return [row for row in rows if row.path in wanted or row.path in above]


def _fits(row: ChildRow, sought: str) -> bool:
    if is_pattern(sought):
        return matches(row.path, sought) or matches(row.path, f"**/{sought}")
    sought = sought.lower()
    return sought in row.path.lower() or row.state.startswith(sought) or (row.paused and "paused".startswith(sought))
