"""The figures of docs/speed.md: the parts of a restart, and the limits that are missed."""

from benchmarks.report.ranges import RANGES, Line, lines, spread
from benchmarks.report.results import Kept, origins
from benchmarks.report.tables import figure, limit, ratio


def parts(results: Kept) -> str:
    """A line a system, a column a part, in microseconds."""
    if "profile" not in results:
        return ""
    systems: dict[str, dict[str, str]] = {}
    for line in lines(results["profile"]):
        system, part = line.row.what.rsplit(": ", 1)
        systems.setdefault(system, {})[part] = spread(line.figures, "{:.2f}".format)
    names = list(next(iter(systems.values())))
    table = [f"| | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    table += [f"| {' | '.join((system, *found.values()))} |" for system, found in systems.items()]
    return "\n".join([*table, "", *origins({"profile": results["profile"]})]) + "\n"


def missed(results: Kept) -> str:
    """Every line whose limit is missed on one machine at least."""
    table = ["| benchmark | what | figure | limit |", "| --- | --- | --- | --- |"]
    table += [
        f"| {name} | {line.row.what} | {ratio(line) or figure(line)} | {limit(line)} |"
        for name, line in _held_against_a_limit(results)
        if not line.is_met
    ]
    return "\n".join([*table, "", *origins(results), "", RANGES]) + "\n"


def _held_against_a_limit(results: Kept) -> list[tuple[str, Line]]:
    return [(name, line) for name, one in results.items() for line in lines(one) if line.limit is not None]
