"""Which children are shown, and in what order."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from math import inf

from otp.control.client.mirror import Mirror
from otp.control.wire.looks import gravity
from otp.control.wire.rows import ChildRow
from otp.core.paths import ancestors
from otp.core.patterns import Pattern, is_pattern
from otp.errors import PatternError

SETTLED = 1.0
"""Seconds for which an order other than that of the tree stays as it is."""


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


class Arrangement:
    """Which children of a tree are shown, and in what order.

    Args:
        mirror: the tree.

    Attributes:
        order: of the children.
        sought: the filter; see `found`.
    """

    def __init__(self, mirror: Mirror) -> None:
        self.order = Order.TREE
        self.sought = ""
        self._mirror = mirror
        self._arranged_for = self.order, self.sought
        self._arranged_at = 0.0
        self._arranged: tuple[str, ...] = ()

    def paths(self, clock: float) -> Sequence[str]:
        """The children that are shown, in their order.

        The order of the tree needs no look at the rows. Another one is made anew once a second: what is sorted ten times
        a second in a storm cannot be read.

        Args:
            clock: the monotonic clock.
        """
        wanted = self.order, self.sought
        if wanted == (Order.TREE, ""):
            return self._mirror.paths
        if wanted == self._arranged_for and clock - self._arranged_at < SETTLED:
            return tuple(path for path in self._arranged if path in self._mirror)
        self._arranged_for, self._arranged_at, self._arranged = wanted, clock, self._arrange(clock)
        return self._arranged

    def _arrange(self, clock: float) -> tuple[str, ...]:
        rows = self._mirror.rows(self._mirror.link.now(clock))
        kept = found(rows, self.sought, with_above=self.order is Order.TREE)
        return tuple(row.path for row in arranged(kept, self.order))


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
    fits = _filter(sought)
    kept = [row for row in rows if fits(row)]
    if not with_above:
        return kept
    wanted = {row.path for row in kept}
    for row in kept:
        wanted.update(ancestors(row.path))
    return [row for row in rows if row.path in wanted]


def _filter(sought: str) -> Callable[[ChildRow], bool]:
    """Says of a row whether the filter lets it through; a pattern that is too long fits none."""
    if is_pattern(sought):
        try:
            pattern = Pattern(f"**/{sought}")
        except PatternError:
            return lambda _: False
        return lambda row: pattern.matches(row.path)
    part = sought.lower()
    return lambda row: (
        part in row.path.lower() or row.state.startswith(part) or (row.paused and "paused".startswith(part))
    )
