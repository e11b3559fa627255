"""The six figures of the README of the project."""

from msgspec import Struct

from benchmarks.report.claims import Claim, found
from benchmarks.report.ranges import RANGES
from benchmarks.report.results import Kept, origins
from benchmarks.report.tables import figure, times


class Figure(Struct, frozen=True):
    """One line of the README.

    Attributes:
        claim: the figure.
        compared_with: what its ratio is to, in the words of a newcomer; empty: the line shows no ratio.
    """

    claim: Claim
    compared_with: str = ""


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
"""What the README of the project says, in the words of a newcomer."""


def six(results: Kept) -> str:
    """The figures, beside what they are compared with, and where they were measured."""
    measured = [one for one in SIX if one.claim.benchmark in results]
    if not measured:
        return ""
    used = {one.claim.benchmark: results[one.claim.benchmark] for one in measured}
    table = ["| what | figure | compared |", "| --- | --- | --- |", *(_line(one, results) for one in measured)]
    return "\n".join([*table, "", *origins(used), "", RANGES]) + "\n"


def _line(quoted: Figure, results: Kept) -> str:
    line = found(quoted.claim, results)
    compared = f"{times(line)} {quoted.compared_with}" if quoted.compared_with else ""
    return f"| {quoted.claim.says} | {figure(line)} | {compared} |"
