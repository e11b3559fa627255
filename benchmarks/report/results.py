"""The figures of full runs, which are kept as JSON beside the code that takes them."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.rig.checkout import ROOT
from benchmarks.rig.machine import machine
from benchmarks.rig.rows import Row

__all__ = ("RESULTS", "Result", "keep", "kept")

RESULTS = ROOT / "benchmarks/results"
DIGITS = 4


class Result(Struct, frozen=True, kw_only=True):
    """One full run of a benchmark, as it stands in `results/NAME.json`."""

    benchmark: str
    machine: str
    at: str
    rows: list[Row]


def keep(name: str, rows: Sequence[Row]) -> None:
    """Write them to `results/NAME.json`."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    result = Result(benchmark=name, machine=machine(), at=at, rows=[_rounded(row) for row in rows])
    write(RESULTS / f"{name}.json", result)


def write(path: Path, document: object) -> None:
    """As JSON that a person can read, and that shows in a diff what is new."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def kept(names: Sequence[str], folder: Path = RESULTS) -> dict[str, Result]:
    """Of these benchmarks, by name, the results that are there."""
    paths = {name: folder / f"{name}.json" for name in names}
    return {name: msgspec.json.decode(path.read_bytes(), type=Result) for name, path in paths.items() if path.exists()}


def _rounded(row: Row) -> Row:
    figures = {name: getattr(row, name) for name in ("figure", "p99", "ratio")}
    return replace(
        row, **{name: figure if figure is None else round(figure, DIGITS) for name, figure in figures.items()}
    )
