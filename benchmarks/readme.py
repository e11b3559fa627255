"""What the README says in figures: a table of claims and the pictures, from the results that are kept."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from benchmarks.kept import Result
from benchmarks.plots import PICTURES
from benchmarks.report import Row, in_groups

__all__ = ("CLAIMS", "README", "Claim", "block", "rewritten")

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"


class Claim(Struct, frozen=True, kw_only=True):
    """One line of the table.

    Attributes:
        says: what was measured, in the reader's words.
        benchmark: whose result it is.
        row: the fields that its row has; the first such row is taken.
    """

    says: str
    benchmark: str
    row: Mapping[str, str]


def _scale(says: str, step: str, section: str = "10 000 children, flat") -> Claim:
    return Claim(says=says, benchmark="scale", row={"what": f"otp, asyncio: {step}", "section": section})


def _groups(strategy: str, children: str) -> Claim:
    row = {"what": "otp, asyncio: all of them", "section": f"{strategy}, {children} children"}
    return Claim(
        says=f"{strategy} over {children} children, crash to the last one's first line", benchmark="groups", row=row
    )


def _recovery(says: str, what: str) -> Claim:
    return Claim(says=f"massive: {says}", benchmark="recovery", row={"what": what})


CLAIMS = (
    *(
        Claim(
            says=f"crash to the next incarnation's first line, {backend}",
            benchmark="restart",
            row={"system": f"otp, {backend}"},
        )
        for backend in ("asyncio", "uvloop", "trio")
    ),
    Claim(
        says="the same beside Erlang's own supervisor",
        benchmark="restart",
        row={"system": "otp, asyncio", "section": "Erlang and Elixir"},
    ),
    Claim(
        says="the same with the log, history, incidents and the control socket",
        benchmark="restart",
        row={"system": "otp, asyncio", "section": "with the library's own log"},
    ),
    Claim(says="the same among 100 000 siblings", benchmark="siblings", row={"what": "otp, asyncio, among 100,000"}),
    Claim(
        says="the same with 20 000 restarts in one window",
        benchmark="storm",
        row={"system": "otp, asyncio", "section": "ours"},
    ),
    _groups("one_for_all", "10"),
    _groups("one_for_all", "1 000"),
    _groups("rest_for_one", "1 000"),
    Claim(
        says="a crash that exhausts 5 levels at once, asyncio",
        benchmark="escalation",
        row={"what": "5 levels give up", "system": "otp, asyncio"},
    ),
    _scale("start of each of 10 000 children, asyncio", "start"),
    _scale("stop of each, in reverse order", "stop"),
    _scale("memory of each, its task included", "memory"),
    _scale("start of each of 100 000", "start", "100 000 children, flat"),
    _scale("stop of each of 100 000", "stop", "100 000 children, flat"),
    Claim(
        says="wake-ups of an idle tree of 10 000 in a minute, asyncio",
        benchmark="idle",
        row={"what": "otp, asyncio: wake-ups of the event loop"},
    ),
    _recovery(
        "the provider closes with 1012, until the next event is on the bus", "one worker: data flows again after"
    ),
    _recovery(
        "the orchestrator crashes, until the same", "orchestrator, and the workers with it: data flows again after"
    ),
    _recovery("events lost of those that the provider sent", "one worker: lost of those sent"),
    _recovery("other nodes restarted", "other nodes restarted by it"),
    Claim(
        says="supervision on the path of the data, queue to bus to prices",
        benchmark="throughput",
        row={"what": "the same supervised"},
    ),
    Claim(says="frames dropped at 10 000 events/s", benchmark="throughput", row={"what": "dropped"}),
    Claim(
        says="`otp restart` over the socket, connect to answer",
        benchmark="control",
        row={"what": "asyncio: restart over the socket"},
    ),
    Claim(
        says="crash to the next life while 20 clients send 1 000 commands",
        benchmark="control",
        row={"what": "asyncio: the same, 20 clients"},
    ),
)
"""What is claimed, in the order of the table."""


def rewritten(text: str, results: Mapping[str, Result]) -> str:
    """The text of the README with what the results say between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN} with an {END} after it; put them where the figures belong")
    return f"{before}{BEGIN}\n{block(results)}{END}{after}"


def block(results: Mapping[str, Result]) -> str:
    """The table, where it was measured, and the pictures for which there are figures."""
    if not results:
        return ""
    lines = ["| what | figure | ratio | limit | met |", "| --- | --- | --- | --- | --- |"]
    lines += [_line(claim, _found(claim, results)) for claim in CLAIMS if claim.benchmark in results]
    lines += ["", *_origins(results)]
    for picture in PICTURES:
        if picture.figures(results):
            lines += ["", f"![{picture.title}](benchmarks/results/{picture.name}.svg)"]
    return "\n".join(lines) + "\n"


def _found(claim: Claim, results: Mapping[str, Result]) -> Row:
    for row in results[claim.benchmark].rows:
        if all(getattr(row, field) == value for field, value in claim.row.items()):
            return row
    wanted = ", ".join(f"{field} {value!r}" for field, value in claim.row.items())
    raise LookupError(
        f"results/{claim.benchmark}.json has no row with {wanted}, which benchmarks/readme.py claims; "
        f"run python -m benchmarks {claim.benchmark}, or amend CLAIMS"
    )


def _line(claim: Claim, row: Row) -> str:
    figure = f"{_short(row.figure)} {row.unit}".strip()
    if row.p99 is not None:
        figure += f", p99 {_short(row.p99)}"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} × {row.to}"
    unit = row.unit if row.ratio is None else "×"
    limit = "" if row.limit is None else f"{row.limit:g} {unit}".strip()
    met = {"": "", "ok": "yes", "OVER": "**no**"}[row.verdict]
    return f"| {claim.says} | {figure} | {ratio} | {limit} | {met} |"


def _origins(results: Mapping[str, Result]) -> Iterator[str]:
    machines: dict[str, list[str]] = {}
    for name, result in results.items():
        machines.setdefault(f"{result.machine}, {result.at[:10]}", []).append(name)
    for machine, names in machines.items():
        yield f"Measured on {machine}: {', '.join(names)}."


def _short(figure: float) -> str:
    return in_groups(round(figure)) if figure >= 100 else f"{figure:.3g}"
