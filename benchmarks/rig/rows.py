"""The rows of a benchmark: each a figure, what it is compared with, and its limit."""

import statistics
from collections.abc import Sequence

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a benchmark: a figure, and how it stands to its floor and to its limit.

    Attributes:
        what: what the figure is of.
        figure: the figure itself; None: only its ratio is known, of a run whose report has no more.
        unit: its unit.
        p99: the 99th percentile, where the figure is a median.
        ratio: the figure over another one.
        to: what that other one is of.
        limit: what the ratio, or else the figure, may be at most.
        section: the heading that the line stands under.
        system: the system whose figure it is.
        kind: what a restart is to that system.
    """

    what: str
    figure: float | None
    unit: str
    p99: float | None = None
    ratio: float | None = None
    to: str = ""
    limit: float | None = None
    section: str = ""
    system: str = ""
    kind: str = ""

    def meets(self, limit: float) -> bool:
        """Whether the ratio, or else the figure, is within the limit."""
        value = self.figure if self.ratio is None else self.ratio
        return value is not None and value <= limit


def median_and_p99(samples: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(samples)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]


def in_groups(number: int) -> str:
    """As in 10 000."""
    return f"{number:_}".replace("_", " ")
