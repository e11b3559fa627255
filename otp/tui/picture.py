"""All that the screen shows, apart from how: the tree, how we stand with it, and which children in what order."""

from collections.abc import Sequence

from otp.control.client.feed import Arrived, Joined, News
from otp.control.client.link import Link
from otp.control.client.mirror import Mirror
from otp.control.wire.rows import ChildRow
from otp.tui.order import Order, arranged, found

__all__ = ("Picture",)

SETTLED = 1.0
"""Seconds for which an order stays as it is."""


class Picture:
    """What is known, and what is wanted of it.

    Attributes:
        mirror: the tree.
        link: how we stand with it.
        order: of the children.
        sought: the filter.
    """

    def __init__(self) -> None:
        self.mirror = Mirror()
        self.link = Link()
        self.order = Order.TREE
        self.sought = ""
        self._arranged_for = self.order, self.sought
        self._arranged_at = 0.0
        self._arranged: tuple[str, ...] = ()

    def take(self, news: News, selected: str) -> bool:
        """Take over some news; whether more has to be asked about the selected child because of it."""
        self.link = self.link.after(news)
        match news:
            case Arrived(message, at):
                return selected in self.mirror.apply(message, at)
            case _:
                return isinstance(news, Joined) and bool(selected)

    def paths(self, clock: float) -> Sequence[str]:
        """The children that are shown, in their order.

        Those of a whole tree need no look at the rows. Another order is looked at once a second: in a storm nobody could
        read what is sorted ten times a second.

        Args:
            clock: the monotonic clock.
        """
        wanted = self.order, self.sought
        if wanted == (Order.TREE, ""):
            return self.mirror.paths
        if wanted == self._arranged_for and clock - self._arranged_at < SETTLED:
            return tuple(path for path in self._arranged if path in self.mirror)
        self._arranged_for, self._arranged_at, self._arranged = wanted, clock, self._arrange(clock)
        return self._arranged

    def _arrange(self, clock: float) -> tuple[str, ...]:
        rows = self.mirror.rows(self.link.now(clock))
        kept = found(rows, self.sought, with_above=self.order is Order.TREE)
        return tuple(row.path for row in arranged(kept, self.order))

    def row(self, path: str, clock: float) -> ChildRow | None:
        """A child as it is by now; None: there is none."""
        return self.mirror.row(path, self.link.now(clock)) if path in self.mirror else None
