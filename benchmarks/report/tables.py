"""The tables of `benchmarks/README.md`: every line that is kept, and what each system does differently."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from inspect import getdoc

from benchmarks.report.legend import legend
from benchmarks.report.ranges import Line, lines, spread
from benchmarks.report.results import Kept, Result, machines, origin
from benchmarks.rig.rows import in_groups

EXPLAINED = "restart"
"""The benchmark under which the systems are listed; the others have none that it has not."""

HEAD = "| what | figure | p99 | ratio | limit | met |\n| --- | --- | --- | --- | --- | --- |"


def tables(results: Kept) -> str:
    """Write for each benchmark what it measures, on which machines, and all its lines."""
    known = machines(results)
    return "\n\n".join(part for name, one in results.items() for part in _parts(name, one, known)) + "\n"


def cells(line: Line, known: int) -> tuple[str, str, str, str, str]:
    """The figure, its p99, the ratio, the limit and whether it is met, as the reader sees them.

    Args:
        known: how many machines there are; a limit that is met where it was measured, but was not on all, is not said to be met.
    """
    return figure(line), spread(line.p99s, _short), ratio(line), limit(line), _met(line, known)


def figure(line: Line) -> str:
    """With its unit."""
    return f"{spread(line.figures, _short)} {line.row.unit}".strip()


def ratio(line: Line) -> str:
    """With what it is to; nothing where the line has none."""
    return f"{times(line)} {line.row.to}" if line.ratios else ""


def times(line: Line) -> str:
    """The ratio alone."""
    return f"{spread(line.ratios, '{:.2f}'.format)} ×"


def limit(line: Line) -> str:
    """In the unit of what is held against it; nothing where the line has none."""
    unit = "×" if line.ratios else line.row.unit
    return "" if line.limit is None else f"{line.limit:g} {unit}".strip()


def _met(line: Line, known: int) -> str:
    if line.is_met is None:
        return ""
    if not line.is_met:
        return "**no**"
    return "yes" if len(line.rows) == known else f"on {len(line.rows)} of {known}"


def _parts(name: str, results: Sequence[Result], known: int) -> Iterator[str]:
    yield f"## {name}"
    yield getdoc(import_module(f"benchmarks.measures.{name}")) or ""
    yield "\n".join(f"- Measured on {origin(result)}." for result in results)
    sections: dict[str, list[Line]] = {}
    for line in lines(results):
        sections.setdefault(line.row.section, []).append(line)
    for section, of_section in sections.items():
        if section:
            yield f"### {section}"
        yield "\n".join((HEAD, *(f"| {' | '.join((line.row.what, *cells(line, known)))} |" for line in of_section)))
    if name == EXPLAINED:
        yield from _explained(results)


def _explained(results: Sequence[Result]) -> Iterator[str]:
    explained = legend((line.row.system, line.row.kind) for line in lines(results))
    if explained:
        yield "### what a restart is to each"
    for kind, systems in explained:
        yield "\n".join((f"**{kind}**: {kind.means}.", "", *(f"- {system}" for system in systems)))


def _short(number: float) -> str:
    return in_groups(round(number)) if number >= 100 else f"{number:.3g}"
