"""A crash that exhausts one to five supervisors at once: until the child runs again, below the one that has a budget left.

The supervisors between them have an intensity of 0. Each stops, ends and is reported to the one above it; the one above
them all restarts the topmost, and with it everything below.
"""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from benchmarks.catalog import OURS
from benchmarks.latency import Latency, latencies_of
from benchmarks.report import Row

__all__ = ("measure",)

BACKENDS = ("asyncio", "trio")
LEVELS = range(6)  # 0: the crash is within the budget, a plain restart


def measure(*, quick: bool) -> list[Row]:
    rounds, restarts = (2, 500) if quick else (5, 2_000)
    runs = {
        f"{backend} {level}": (
            replace(OURS[backend], module="ours.escalating"),
            ("--depth", level, "--restarts", restarts),
        )
        for backend in BACKENDS
        for level in LEVELS
    }
    taken = latencies_of(runs, rounds)
    return [row for backend in BACKENDS for row in _rows(backend, taken)]


def _rows(backend: str, taken: Mapping[str, Latency]) -> Iterator[Row]:
    system = OURS[backend]
    of = {"system": system.name, "kind": system.kind, "section": system.name}
    plain = taken[f"{backend} 0"]
    for level in LEVELS:
        one = taken[f"{backend} {level}"]
        levels = f"{level} level{' gives' if level == 1 else 's give'} up" if level else "a plain restart"
        ratio = one.median / plain.median if level else None
        to = "a plain restart" if level else ""
        yield Row(what=levels, figure=one.median, unit="µs", p99=one.p99, ratio=ratio, to=to, **of)
    deepest = LEVELS[-1]
    each = (taken[f"{backend} {deepest}"].median - taken[f"{backend} 1"].median) / (deepest - 1)
    yield Row(what="one level more", figure=each, unit="µs", **of)
