"""The documents that quote figures. Each is written by hand but for what stands between its marks."""

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.report.claims import claimed
from benchmarks.report.ranges import RANGES
from benchmarks.report.readme import six
from benchmarks.report.results import Kept
from benchmarks.report.speed import missed, parts
from benchmarks.report.tables import tables
from benchmarks.rig.checkout import ROOT

LIMITS = (
    "A limit is met, *yes*, if it is on all known machines; *on 1 of 2* says that the others did not measure it yet."
)
END = "<!-- benchmarks: end -->"

Made = Mapping[str, Callable[[Kept], str]]
"""By the name in a mark, the function whose text stands after that mark."""


def everything(results: Kept) -> str:
    """All claims with their limits, and below them all lines of all benchmarks."""
    if not results:
        return ""
    return f"## What is claimed\n\n{RANGES}\n{LIMITS}\n\n{claimed(results)}\n{tables(results)}"


DOCUMENTS: Mapping[Path, Made] = {
    ROOT / "README.md": {"six": six},
    ROOT / "docs/speed.md": {"parts": parts, "missed": missed},
    ROOT / "benchmarks/README.md": {"everything": everything},
}


def write(results: Kept) -> None:
    """Write into each document what the results say."""
    for path, made in DOCUMENTS.items():
        path.write_text(rewritten(path.read_text(), made, results))


def rewritten(text: str, made: Made, results: Kept) -> str:
    """The text of a document with the figures of these results between its marks."""
    for name, figures in made.items():
        begin = f"<!-- benchmarks: {name} -->"
        before, found, rest = text.partition(begin)
        _, end, after = rest.partition(END)
        if not (found and end):
            raise ValueError(f"the document has no {begin} with an {END} after it; put them where the figures belong")
        text = f"{before}{begin}\n{figures(results)}{END}{after}"
    return text
