"""The lines of a benchmark over all machines: a figure is a range, and a limit is met only if it is met on each of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from benchmarks.report.results import Result
from benchmarks.rig.rows import Row

RANGES = (
    "A range gives the lowest and the highest ratio over all machines. A single number was measured on one machine, or is equal "
    "on all."
)
"""What is to be said beside figures."""


class Line(Struct, frozen=True):
    """One line of a benchmark.

    Attributes:
        rows: what each machine gave that has the line; the first is that of the machine with the most lines.
    """

    rows: Sequence[Row]

    @property
    def row(self) -> Row:
        """What the line is of, in the words of the first machine."""
        return self.rows[0]

    @property
    def figures(self) -> list[float]:
        """Return one value for each machine that has measured it."""
        return [row.figure for row in self.rows if row.figure is not None]

    @property
    def p99s(self) -> list[float]:
        """Return one value for each machine that has measured it."""
        return [row.p99 for row in self.rows if row.p99 is not None]

    @property
    def ratios(self) -> list[float]:
        """Return one value for each machine that has measured it."""
        return [row.ratio for row in self.rows if row.ratio is not None]

    @property
    def limit(self) -> float | None:
        """The strictest that a machine was held against; None: there is none."""
        return min((row.limit for row in self.rows if row.limit is not None), default=None)

    @property
    def is_met(self) -> bool | None:
        """Whether the limit is met on every machine that has the line; None: there is no limit."""
        limit = self.limit
        return None if limit is None else all(row.meets(limit) for row in self.rows)


def lines(results: Iterable[Result]) -> list[Line]:
    """The lines of one benchmark, of its results on all machines. What only a later machine has comes last."""
    found: dict[object, list[Row]] = {}
    for result in results:
        seen: Counter[object] = Counter()
        for row in result.rows:
            key = (row.section, row.what, row.to)
            seen[key] += 1  # some words stand twice: dropped while it flows, dropped in a burst
            found.setdefault((key, seen[key]), []).append(row)
    return [Line(rows) for rows in found.values()]


def spread(values: Sequence[float], written: Callable[[float], str]) -> str:
    """The least and the most of them, once if they read alike; nothing without values."""
    ends = (min(values), max(values)) if values else ()
    return "–".join(dict.fromkeys(map(written, ends)))
