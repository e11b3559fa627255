"""`python -m benchmarks guard`: whether what is ours has become slower, in about half a minute.

Quick ratios to the floors, and counts, are compared with those in `results/guard.json`. Those that are worse are taken
once more, and the better of the two counts: a neighbour on the machine disturbs one run, a change of the code both.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.measures import quick_ratios
from benchmarks.report.results import RESULTS, write
from benchmarks.rig.counts import instructions, leftovers
from benchmarks.rig.machine import machine

PATH = RESULTS / "guard.json"

Figures = Mapping[str, float]


class Guarded(Struct, frozen=True):
    """Figures that are taken together.

    Attributes:
        take: takes them; those that cannot be taken here are left out.
        factor: a figure is worse when it is more than this many times the committed one.
        slack: added to that, for figures next to zero, of which a factor says nothing.
    """

    take: Callable[[], Figures]
    factor: float = 1.5
    slack: float = 0.0


class Committed(Struct, frozen=True, kw_only=True):
    """What is in `results/guard.json`."""

    machine: str
    at: str
    figures: dict[str, float]


GUARDED = (
    Guarded(quick_ratios.restarts),
    Guarded(quick_ratios.siblings),
    Guarded(quick_ratios.children),
    Guarded(quick_ratios.groups),
    Guarded(instructions, factor=1.2),
    Guarded(leftovers, slack=20.0),
)


def commit(path: Path = PATH, guarded: Iterable[Guarded] = GUARDED) -> int:
    """Take all of them, and write them as what later ones are compared with."""
    figures = {name: round(figure, 3) for one in guarded for name, figure in one.take().items()}
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    write(path, Committed(machine=machine(), at=at, figures=figures))
    for name, figure in figures.items():
        print(f"  {name:<40} {figure:9.3f}")
    return 0


def check(path: Path = PATH, guarded: Iterable[Guarded] = GUARDED) -> int:
    """Take all of them, and print how they stand: 0, or 1 if one is worse."""
    if not path.exists():
        print(f"there is no {path.name} to compare with; write it: python -m benchmarks guard --write")
        return 1
    committed = msgspec.json.decode(path.read_bytes(), type=Committed).figures
    print(f"  {'':<40} {'committed':>9} {'now':>9} {'factor':>7}")
    verdicts = [verdict for one in guarded for verdict in _verdicts(one, committed)]
    if all(verdicts):
        return 0
    print("worse than what is committed; if that is meant: python -m benchmarks guard --write")
    return 1


def _verdicts(one: Guarded, committed: Figures) -> list[bool]:
    """Of each of its figures, whether it is well."""
    taken = one.take()
    if not all(_is_well(one, name, figure, committed) for name, figure in taken.items()):
        again = one.take()
        taken = {name: min(figure, again.get(name, figure)) for name, figure in taken.items()}
    for name, figure in taken.items():
        print(_line(one, name, figure, committed), flush=True)
    return [_is_well(one, name, figure, committed) for name, figure in taken.items()]


def _is_well(one: Guarded, name: str, figure: float, committed: Figures) -> bool:
    return name in committed and figure <= committed[name] * one.factor + one.slack


def _line(one: Guarded, name: str, figure: float, committed: Figures) -> str:
    if name not in committed:
        return f"  {name:<40} {'-':>9} {figure:9.3f} {'':>7}  NOT COMMITTED"
    before = committed[name]
    factor = f"{figure / before:7.2f}" if before and not one.slack else f"{'':>7}"
    verdict = "" if _is_well(one, name, figure, committed) else f"WORSE than {one.factor:g} ×"
    return f"  {name:<40} {before:9.3f} {figure:9.3f} {factor}  {verdict}".rstrip()
