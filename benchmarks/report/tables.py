"""The tables of `benchmarks/README.md`: all that is kept, and what each system of them does differently."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import getdoc

from benchmarks.report.elsewhere import ratios
from benchmarks.report.legend import legend
from benchmarks.report.results import Result
from benchmarks.rig.rows import Row, in_groups

__all__ = ("cells", "origin", "tables")

EXPLAINED = "restart"
"""The benchmark under which the systems are listed; the others have none that it has not."""

HEAD = "| what | figure | p99 | ratio | limit | met |\n| --- | --- | --- | --- | --- | --- |"


def tables(results: Mapping[str, Result]) -> str:
    """Of each benchmark what it measures, where it was measured, and all of its rows."""
    return "\n\n".join(part for result in results.values() for part in _parts(result)) + "\n"


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """The figure, its p99, the ratio, the limit and whether it is met on all machines, as the reader sees them."""
    return (
        f"{_short(row.figure)} {row.unit}".strip(),
        "" if row.p99 is None else _short(row.p99),
        _ratio(row),
        "" if row.limit is None else f"{row.limit:g} {row.unit if row.ratio is None else '×'}".strip(),
        _met(row),
    )


def _ratio(row: Row) -> str:
    known = sorted({f"{ratio:.2f}" for ratio in ratios(row)}, key=float)
    return f"{'–'.join((known[0], known[-1]) if len(known) > 1 else known)} × {row.to}" if known else ""


def _met(row: Row) -> str:
    if row.limit is None:
        return ""
    return "yes" if max(ratios(row), default=row.figure) <= row.limit else "**no**"


def origin(result: Result) -> str:
    """Where it was measured, and on which day."""
    return f"{result.machine}, {result.at[:10]}"


def _parts(result: Result) -> Iterator[str]:
    yield f"## {result.benchmark}"
    yield getdoc(import_module(f"benchmarks.measures.{result.benchmark}")) or ""
    yield f"Measured on {origin(result)}."
    sections: dict[str, list[Row]] = {}
    for row in result.rows:
        sections.setdefault(row.section, []).append(row)
    for section, rows in sections.items():
        if section:
            yield f"### {section}"
        yield "\n".join((HEAD, *(f"| {' | '.join((row.what, *cells(row)))} |" for row in rows)))
    if result.benchmark == EXPLAINED:
        yield from _explained(result)


def _explained(result: Result) -> Iterator[str]:
    explained = legend((row.system, row.kind) for row in result.rows)
    if explained:
        yield "### what a restart is to each"
    for kind, systems in explained:
        yield "\n".join((f"**{kind}**: {kind.means}.", "", *(f"- {system}" for system in systems)))


def _short(figure: float) -> str:
    return in_groups(round(figure)) if figure >= 100 else f"{figure:.3g}"
