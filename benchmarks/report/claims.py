"""What is claimed: a table of all claims and the pictures, from the results that are kept."""

from collections.abc import Mapping

from msgspec import Struct

from benchmarks.report.plots import PICTURES
from benchmarks.report.ranges import Line, lines
from benchmarks.report.results import Kept, machines, origins
from benchmarks.report.tables import cells


class Claim(Struct, frozen=True, kw_only=True):
    """One line of the table.

    Attributes:
        says: what was measured, in the reader's words.
        benchmark: whose result it is.
        row: the fields that its row has; the first such row is taken.
        named: the system is not ours, and its name is said.
    """

    says: str
    benchmark: str
    row: Mapping[str, str]
    named: bool = False


def _scale(says: str, step: str, section: str = "10 000 children, flat") -> Claim:
    return Claim(says=says, benchmark="scale", row={"what": f"otp, asyncio: {step}", "section": section})


def _groups(strategy: str, children: str) -> Claim:
    row = {"what": "otp, asyncio: all of them", "section": f"{strategy}, {children} children"}
    return Claim(
        says=f"{strategy} over {children} children, crash to the last one's first line", benchmark="groups", row=row
    )


def _restart(says: str, to: str, section: str = "ours and the event loops alone") -> Claim:
    """Ours on asyncio, beside another."""
    return Claim(says=says, benchmark="restart", row={"what": "otp, asyncio", "section": section, "to": to})


def _recovery(says: str, what: str) -> Claim:
    return Claim(says=f"massive: {says}", benchmark="recovery", row={"what": what})


LOGGED = "with the library's own log"

CLAIMS = (
    *(
        Claim(
            says=f"crash to the next incarnation's first line, {backend}",
            benchmark="restart",
            row={"system": f"otp, {backend}"},
        )
        for backend in ("asyncio", "uvloop", "trio")
    ),
    Claim(says="its 99th percentile, asyncio", benchmark="restart", row={"what": "otp, asyncio: p99"}),
    _restart("the same beside anyio's task group, without supervision", "anyio task group, asyncio"),
    Claim(
        says="the fastest other library whose supervisor starts a fresh task",
        benchmark="restart",
        row={"section": "peers whose supervisors start a fresh task, as ours do"},
        named=True,
    ),
    _restart(
        "the same beside Erlang's supervisor, whose children are gen_servers", "Erlang, gen_server", "Erlang and Elixir"
    ),
    _restart("the same with the log", "log off", LOGGED),
    _restart("the same beside Erlang, both with their logs", "Erlang, gen_server", LOGGED),
    _restart("the same beside Elixir, both with their logs", "Elixir, DynamicSupervisor", LOGGED),
    Claim(
        says="the same with all that `otp.run` has: log, history, incidents, control socket, watch over the event loop",
        benchmark="restart",
        row={"what": "otp, asyncio, with all that otp.run has"},
    ),
    Claim(says="the same among 100 000 siblings", benchmark="siblings", row={"what": "otp, asyncio, among 100 000"}),
    Claim(
        says="the same beside Erlang's supervisor, both among 100 000",
        benchmark="siblings",
        row={"what": "otp, asyncio, among 100 000", "to": "Erlang, gen_server"},
    ),
    Claim(
        says="the same with 20 000 restarts in one window",
        benchmark="storm",
        row={"system": "otp, asyncio", "section": "ours"},
    ),
    Claim(
        says="the same beside Erlang's supervisor, both with 20 000 in one window",
        benchmark="storm",
        row={"system": "otp, asyncio", "to": "Erlang, gen_server"},
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
    _scale("the same beside cancel scopes that are stopped in the same order", "stop, beside the same order"),
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
    _recovery("the whole process, restarted by supervisord", "process: supervisord: data flows again after"),
    _recovery("the whole process, restarted by circus", "process: circus: data flows again after"),
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


def claimed(results: Kept) -> str:
    """The table, where it was measured, and the pictures for which there are figures."""
    if not results:
        return ""
    parts = ["| what | figure | ratio | limit | met |", "| --- | --- | --- | --- | --- |"]
    known = machines(results)
    parts += [_line(claim, found(claim, results), known) for claim in CLAIMS if claim.benchmark in results]
    parts += ["", *origins(results)]
    pictures = [picture for picture in PICTURES if picture.figures(results)]
    if pictures:
        shown = dict.fromkeys(results[picture.benchmark][0].machine for picture in pictures)
        parts += ["", f"Each picture is of one machine, the one with the most figures: {'; '.join(shown)}."]
    for picture in pictures:
        parts += ["", f"![{picture.title}](results/{picture.benchmark}.svg)"]
    return "\n".join(parts) + "\n"


def found(claim: Claim, results: Kept) -> Line:
    """The line that a claim is about."""
    for line in lines(results[claim.benchmark]):
        if all(getattr(line.row, field) == value for field, value in claim.row.items()):
            return line
    wanted = ", ".join(f"{field} {value!r}" for field, value in claim.row.items())
    raise LookupError(
        f"no row of benchmarks/results/*/{claim.benchmark}.json has {wanted}, which benchmarks/report/claims.py claims; "
        f"run python -m benchmarks {claim.benchmark}, or amend CLAIMS"
    )


def _line(claim: Claim, line: Line, known: int) -> str:
    figure, p99, *rest = cells(line, known)
    says = f"{claim.says}, {line.row.system}" if claim.named else claim.says
    return f"| {says} | {figure}{f', p99 {p99}' if p99 else ''} | {' | '.join(rest)} |"
