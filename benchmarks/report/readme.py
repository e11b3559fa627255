"""The two documents that quote figures: the README of the project six of them, the one here all.

Each is written by hand but for what stands between its two marks.
"""

from collections.abc import Mapping

from msgspec import Struct

from benchmarks.report.claims import Claim, claimed, found, origins
from benchmarks.report.elsewhere import LIMITS, RANGES
from benchmarks.report.results import Result
from benchmarks.report.tables import cells, tables
from benchmarks.rig.checkout import ROOT

__all__ = ("DOCUMENTS", "SIX", "rewritten", "six", "write")

BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"


class Figure(Struct, frozen=True):
    """One line of the README.

    Attributes:
        claim: the figure.
        beside: what its ratio is to, in the words of somebody who is new here; empty: there is none.
    """

    claim: Claim
    beside: str = ""


SIX = (
    Figure(
        Claim(
            says="from a crash to the first line of the next incarnation (asyncio)",
            benchmark="restart",
            row={"system": "otp, asyncio"},
        ),
        "a task that starts the next one, unsupervised",
    ),
    Figure(
        Claim(says="the same with 100 000 siblings", benchmark="siblings", row={"what": "otp, asyncio, among 100 000"}),
        "among 10",
    ),
    Figure(
        Claim(
            says="memory of a child, its task included",
            benchmark="scale",
            row={"what": "otp, asyncio: memory", "section": "10 000 children, flat"},
        ),
    ),
    Figure(
        Claim(
            says="supervision on the path of the data, for each event",
            benchmark="throughput",
            row={"what": "the same supervised"},
        ),
        "without supervision",
    ),
    Figure(
        Claim(
            says="the provider closes with 1012, until the next event is on the bus",
            benchmark="recovery",
            row={"what": "one worker: data flows again after"},
        ),
    ),
    Figure(
        Claim(
            says="the same when supervisord restarts the whole process",
            benchmark="recovery",
            row={"what": "process: supervisord: data flows again after"},
        ),
        "one worker restarted",
    ),
)
"""What the README of the project says, in the words of somebody who is new here."""


def six(results: Mapping[str, Result]) -> str:
    """The figures of the README, beside what they are compared with, and where they were measured."""
    measured = [figure for figure in SIX if figure.claim.benchmark in results]
    if not measured:
        return ""
    used = {figure.claim.benchmark: results[figure.claim.benchmark] for figure in measured}
    lines = ["| what | figure | compared |", "| --- | --- | --- |", *(_line(figure, results) for figure in measured)]
    return "\n".join([*lines, "", *origins(used), "", RANGES]) + "\n"


def _line(figure: Figure, results: Mapping[str, Result]) -> str:
    measured, _, ratio, *_ = cells(found(figure.claim, results))
    times = f"{ratio.partition(' × ')[0]} × {figure.beside}" if figure.beside else ""
    return f"| {figure.claim.says} | {measured} | {times} |"


def everything(results: Mapping[str, Result]) -> str:
    """All claims with their limits, and below them all rows of all benchmarks."""
    if not results:
        return ""
    return f"## What is claimed\n\n{LIMITS}\n\n{claimed(results)}\n{tables(results)}"


DOCUMENTS = {ROOT / "README.md": six, ROOT / "benchmarks/README.md": everything}
"""What makes of the results that which stands between the marks."""


def write(results: Mapping[str, Result]) -> None:
    """Write into both what the results say."""
    for path, made in DOCUMENTS.items():
        path.write_text(rewritten(path.read_text(), made(results)))


def rewritten(text: str, figures: str) -> str:
    """The text of a document with these figures between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN} with an {END} after it; put them where the figures belong")
    return f"{before}{BEGIN}\n{figures}{END}{after}"
