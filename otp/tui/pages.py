"""The five pages of the details of one child: lines, with labels at their left.

A page is made of the row as it is now, which goes on between two queries, and of the last answer about the child.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from rich.text import Text

from otp.control.wire.looks import INCIDENTS, Tone, sign, tone, tone_of_level
from otp.control.wire.rows import ChildRow, EventRow, FailureRow, IncidentRow, LogRow, StackRow, Why
from otp.core.paths import below_root
from otp.text.durations import short
from otp.text.printable import printable
from otp.tui.colours import STYLES
from otp.tui.columns import time_of
from otp.tui.label import on_one_line

Page = Literal["Summary", "Events", "Log", "Stack", "Policy"]
PAGES: tuple[Page, ...] = ("Summary", "Events", "Log", "Stack", "Policy")

SHOWN = 3
"""Incidents, and paths of a radius, that the summary names."""

_SHORT = {"WARNING": "WARN", "CRITICAL": "CRIT"}

Line = tuple[Text, Text]
"""A label, and the text that is wrapped beside it."""


def page(wanted: Page, row: ChildRow, why: Why | None) -> list[Line]:
    """Make one page; without an answer, as much of it as the row has."""
    if why is None and wanted != "Summary":
        return [_line("asking …", "dim")]
    return [(on_one_line(label), on_one_line(text)) for label, text in _PAGES[wanted](row, why)]


def clock_time(wall: float) -> str:
    """The time of day here, of seconds since 1970."""
    return time.strftime("%H:%M:%S", time.localtime(wall))


def event_line(event: EventRow, about: str = "") -> Line:
    """One event; its path is left out where that is `about`, which is known."""
    text = Text(end="")
    if event.path != about:
        text.append(f"{event.path}  ", "bold")
    return _stamp(event.wall, event.level), text.append(printable(event.text), "")


def _stamp(wall: float, level: str) -> Text:
    stamp = Text(f"{clock_time(wall)} ", "dim", end="")
    return stamp.append(f"{_SHORT.get(level, level):5}", STYLES[tone_of_level(level)])


def _line(text: str, style: str = "") -> Line:
    return Text(), Text(text, style)


def _field(label: str, value: Text | str) -> Line:
    return Text(label, "dim"), value if isinstance(value, Text) else Text(value)


# ------------------------------------------------------------------------------------------------ summary


def _summary(row: ChildRow, why: Why | None) -> Iterator[Line]:
    yield _field(
        "state", Text.assemble((f"{sign(row.state)} {row.state}", STYLES[tone(row)]), f"  {time_of(row).text}")
    )
    if row.paused:
        until = "until somebody resumes" if row.paused_s is None else f"for another {short(row.paused_s)}"
        yield _field("paused", Text(f"no restarts, no alerts, {until}", STYLES[Tone.WAITING]))
    yield _field(
        "restarts", f"{row.crashes} crashed · {row.manual} manual · {row.collateral} collateral · streak {row.streak}"
    )
    yield _field("down", f"{short(row.downtime_s)} all together{_availability(row)}")
    if row.last_cause:
        yield _field("last cause", _cause(row))
    if row.kind == "supervisor":
        yield _field("budget", f"{row.used} of {row.intensity} restarts in {row.period_s:g} s used")
    yield _field("kind", " ".join(word for word in (row.restart, row.strategy, row.kind) if word) + _start(row))
    if why is not None:
        yield from _more(why)


def _more(why: Why) -> Iterator[Line]:
    """The part of the summary that needs an answer."""
    for incident in why.incidents[:SHOWN]:
        yield _field("incident", _incident(incident))
    for need in why.needs:
        state = f"down for {short(need.down_s)}" if need.down_s is not None else "is there"
        yield _field("needs", f"{need.name} {state} · {need.outages} outages, {short(need.downtime_s)}")
    if why.explained is not None:
        yield _field("a restart", _radius(why.explained.radius, why.explained.untouched))
    for failure in reversed(why.failures):
        yield _failure(failure)


def _start(row: ChildRow) -> str:
    return f", start {row.generation}" if row.generation else ", never started"


def _availability(row: ChildRow) -> str:
    share = "" if row.availability is None else f" · up {row.availability:.3%} of the time"
    return f"{share}{'' if row.mtbf_s is None else f' · {short(row.mtbf_s)} up for each failure'}"


def _cause(row: ChildRow) -> Text:
    when = "" if row.last_wall is None else f"{clock_time(row.last_wall)}  "
    verdict = f"  ({row.verdict})" if row.verdict else ""
    return Text(f"{when}{printable(row.last_cause)}{verdict}")


def _radius(paths: Sequence[str], untouched: int) -> str:
    named = ", ".join(below_root(path) or path for path in paths[:SHOWN])
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"touches {named or 'nothing'}{more}; {untouched} untouched"


def _incident(incident: IncidentRow) -> Text:
    text = Text(f"{incident.id} {incident.state}", STYLES[INCIDENTS[incident.state]])
    text.append(f" since {clock_time(incident.opened_wall)}, {incident.count} failure{'s'[: incident.count != 1]}", "")
    for marked, word in ((incident.injected, "injected"), (incident.maintenance, "maintenance")):
        text.append(f", {word}" if marked else "", "bold")
    where = f" at {incident.frame}" if incident.frame else ""
    return text.append(f": {printable(incident.message or incident.cause)}{where}", "")


def _failure(failure: FailureRow) -> Line:
    where = f"  {failure.frame}" if failure.frame else ""
    return _field("failed", f"{clock_time(failure.wall)}  {printable(failure.text)}{where} → {failure.outcome}")


# ------------------------------------------------------------------------------------------------ the others


def _events(row: ChildRow, why: Why | None) -> Iterator[Line]:
    """The newest first."""
    timeline = [event_line(event, row.path) for event in reversed(why.timeline if why else ())]
    yield from timeline or [_line("nothing happened to it yet", "dim")]


def _log(_: ChildRow, why: Why | None) -> Iterator[Line]:
    """The newest first."""
    logged = [_log_line(line) for line in reversed(why.log if why else ())]
    yield from logged or [_line("it has logged nothing", "dim")]


def _log_line(line: LogRow) -> Line:
    return _stamp(line.wall, line.level), Text(printable(line.text))


def _stack(row: ChildRow, why: Why | None) -> Iterator[Line]:
    lines = [line for stack in (why.stacks if why else ()) for line in _tasks(stack)]
    nothing = "it does not run" if row.kind == "worker" else "a supervisor awaits nothing of its own; choose a worker"
    yield from lines or [_line(nothing, "dim")]


def _tasks(stack: StackRow) -> Iterator[Line]:
    yield _line(f"{stack.path}  {stack.state}", "bold")
    for task in stack.tasks:
        indent = "  " * (task.depth + 1)
        yield _line(f"{indent}{printable(task.name)}")
        yield from (_line(f"{indent}  → {printable(step)}") for step in task.chain)


def _policy(_: ChildRow, why: Why | None) -> Iterator[Line]:
    explained = why.explained if why else None
    text = explained.text if explained else "the root: nobody restarts it; when it gives up, the process ends"
    yield from (_line(printable(line)) for line in text.splitlines())


_PAGES: dict[Page, Callable[[ChildRow, Why | None], Iterator[Line]]] = {
    "Summary": _summary,
    "Events": _events,
    "Log": _log,
    "Stack": _stack,
    "Policy": _policy,
}
