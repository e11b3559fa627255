"""The pictures of the README: which figures they show. How they are drawn is in `benchmarks.report.drawing`.

A picture is of one machine, the one that has the most rows: lines of two would hide what is compared.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.report.results import RESULTS, Kept
from benchmarks.rig.catalog import SLOW
from benchmarks.rig.rows import Row
from benchmarks.rig.system import Kind

AMONG = re.compile(r"among ([\d ]+)$")


class Bar(Struct, frozen=True):
    """One system."""

    name: str
    kind: str
    median: float
    p99: float | None


class Line(Struct, frozen=True):
    """One system, by the number of siblings."""

    name: str
    kind: str
    medians: dict[int, float]


class Picture(Struct, frozen=True):
    """One picture.

    Attributes:
        benchmark: whose result it shows; its file has that name.
        title: the text in its place for readers who do not see it.
        figures: what it shows of the results; nothing: it is not drawn.
        drawn_by: a function of `benchmarks.report.drawing`.
    """

    benchmark: str
    title: str
    figures: Callable[[Kept], list[Any]]
    drawn_by: str


def draw(results: Kept, folder: Path = RESULTS) -> list[Path]:
    """Draw the pictures for which there are figures; each file is the same for the same figures."""
    try:
        from benchmarks.report import drawing  # noqa: PLC0415 # it needs matplotlib, which only those have who draw
    except ModuleNotFoundError as missing:
        raise SystemExit(f"the pictures need {missing.name}, which is not here: pip install --group bench") from None

    drawn: list[Path] = []
    for picture in PICTURES:
        figures = picture.figures(results)
        if figures:
            drawn.append(folder / f"{picture.benchmark}.svg")
            drawing.save(getattr(drawing, picture.drawn_by)(figures), drawn[-1])
    return drawn


def _restarts(results: Kept) -> list[Bar]:
    """The first latency of each system, the fastest first; without those that wait by choice, who would need the width."""
    slow = {system.name for system in SLOW}
    bars: dict[str, Bar] = {}
    for row in _rows(results, "restart"):
        if row.system and row.p99 is not None and row.system not in slow:
            bars.setdefault(row.system, Bar(row.system, row.kind, row.figure, row.p99))
    return sorted(bars.values(), key=lambda bar: bar.median)


def _among_siblings(results: Kept) -> list[Line]:
    lines: dict[str, Line] = {}
    for row in _rows(results, "siblings"):
        if found := AMONG.search(row.what):
            line = lines.setdefault(row.system, Line(row.system, row.kind, {}))
            line.medians.setdefault(int(found[1].replace(" ", "")), row.figure)
    return list(lines.values())


def _recoveries(results: Kept) -> list[Bar]:
    """The milliseconds until data flows again, of each failure and each supervisor of processes."""
    rows = [row for row in _rows(results, "recovery") if "data flows again" in row.what]
    return [Bar(row.what.rpartition(":")[0], row.kind or Kind.FRESH, row.figure, row.p99) for row in rows]


def _rows(results: Kept, benchmark: str) -> list[Row]:
    return results[benchmark][0].rows if benchmark in results else []


PICTURES = (
    Picture("restart", "From a crash to the next incarnation's first line", _restarts, "restarts"),
    Picture("siblings", "The same among idle siblings", _among_siblings, "siblings"),
    Picture("recovery", "Until data flows again", _recoveries, "recoveries"),
)
