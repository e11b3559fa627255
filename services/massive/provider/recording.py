"""Real prices to replay: GOOG by the day and EUR/USD by the hour, as distributed with the package backtesting."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from io import TextIOWrapper

from msgspec import Struct


class Bar(Struct, frozen=True, gc=False):
    """One recorded bar; the numbers are kept as they were written, so that no digit is lost or won."""

    open: str
    high: str
    low: str
    close: str
    volume: str


@cache
def recorded() -> Mapping[str, Sequence[Bar]]:
    """The bars of each recorded symbol, oldest first."""
    bars: dict[str, list[Bar]] = {}
    source = files("services.massive.provider").joinpath("recording.csv.gz")
    with source.open("rb") as packed, gzip.open(packed) as unpacked, TextIOWrapper(unpacked, "ascii") as lines:
        for symbol, _start, *prices in csv.reader(lines.readlines()[2:]):
            bars.setdefault(symbol, []).append(Bar(*prices))
    return bars
