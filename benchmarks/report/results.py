"""The figures of full runs, kept as JSON beside the code that takes them: a folder a machine, a file a benchmark.

A ratio differs from machine to machine, so no run replaces that of another machine: documents say ranges over all of them.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.rig.checkout import ROOT
from benchmarks.rig.rows import Row

RESULTS = ROOT / "benchmarks/results"
DIGITS = 4


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One full run of a benchmark on one machine, as it stands in `results/MACHINE/NAME.json`.

    Attributes:
        machine: its description, from which the folder has its name.
        at: when the run ended, in UTC; empty: that is not known.
        note: what else is to be said where the machine is named.
    """

    benchmark: str
    machine: str
    at: str
    note: str = ""
    rows: list[Row]


Kept = Mapping[str, Sequence[Result]]
"""By the name of the benchmark its results, one a machine; the one with the most rows is the first."""


def keep(name: str, rows: Sequence[Row], machine: str, folder: Path = RESULTS) -> None:
    """Write the rows of a benchmark to the folder of the machine, in place of those of its earlier run."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    result = Result(benchmark=name, machine=machine, at=at, rows=[_rounded(row) for row in rows])
    write(folder / _folder_name(machine) / f"{name}.json", result)


def write(path: Path, document: object) -> None:
    """As JSON that a person can read, and that shows in a diff what is new."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def kept(names: Sequence[str], folder: Path = RESULTS) -> dict[str, list[Result]]:
    """The results of these benchmarks on all machines; a benchmark that was never run is left out."""
    found = {name: [_read(path) for path in folder.glob(f"*/{name}.json")] for name in names}
    return {name: sorted(results, key=_fullest_first) for name, results in found.items() if results}


def machines(results: Kept) -> int:
    """How many are known."""
    return len({result.machine for one in results.values() for result in one})


def origin(result: Result) -> str:
    """Where it was measured, and on which day."""
    where = f"{result.machine}, {result.at[:10]}" if result.at else result.machine
    return f"{where} ({result.note})" if result.note else where


def origins(results: Kept) -> Iterator[str]:
    """Where and when they were measured, a line for each place and day."""
    names: dict[str, list[str]] = {}
    for name, machines in results.items():
        for result in machines:
            names.setdefault(origin(result), []).append(name)
    for where, measured in names.items():
        yield f"- Measured on {where}: {', '.join(measured)}."


def _read(path: Path) -> Result:
    return msgspec.json.decode(path.read_bytes(), type=Result)


def _fullest_first(result: Result) -> tuple[int, str]:
    return -len(result.rows), result.machine


def _folder_name(machine: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", machine.lower()).strip("-.")


def _rounded(row: Row) -> Row:
    figures = {name: getattr(row, name) for name in ("figure", "p99", "ratio")}
    return replace(
        row, **{name: figure if figure is None else round(figure, DIGITS) for name, figure in figures.items()}
    )
