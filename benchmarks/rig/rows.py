"""Figures, and how they are shown as a table."""

import os
import platform
import statistics
import textwrap
from collections.abc import Sequence

from msgspec import Struct

from benchmarks.report.legend import legend


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a benchmark: a figure, and how it stands to its floor and to its limit.

    Attributes:
        what: what the figure is of.
        figure: the figure itself.
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
    figure: float
    unit: str
    p99: float | None = None
    ratio: float | None = None
    to: str = ""
    limit: float | None = None
    section: str = ""
    system: str = ""
    kind: str = ""

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        value = self.figure if self.ratio is None else self.ratio
        return "ok" if value <= self.limit else "OVER"


def median_and_p99(samples: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(samples)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]


def in_groups(number: int) -> str:
    """As in 10 000."""
    return f"{number:_}".replace("_", " ")


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}"


def show(name: str, rows: Sequence[Row]) -> None:
    """Print the table."""
    print(f"\n{name}  ({machine()})")
    width = max(len(row.what) for row in rows)
    section = None
    for row in rows:
        if row.section != section:
            section = row.section
            print(f"\n {section}" if section else "")
        p99 = f"p99 {row.p99:9.2f}" if row.p99 is not None else " " * 13
        ratio = f"{row.ratio:6.3f} × {row.to}" if row.ratio is not None else ""
        limit = f"(limit {row.limit:g}) {row.verdict}" if row.limit is not None else ""
        print(f"  {row.what:<{width}}  {row.figure:10.2f} {row.unit:<8} {p99}  {ratio:<44} {limit}".rstrip())
    for kind, systems in legend((row.system, row.kind) for row in rows):
        print(f"\n {kind}: {kind.means}")
        for system in systems:
            print(textwrap.fill(system, 118, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
