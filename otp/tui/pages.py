"""What the five pages of the details say of one child, as text.

Each takes the row as it is now, which goes on between two questions, and what was last answered about the child.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from rich.text import Text

from otp.control.rows import ChildRow, EventRow, FailureRow, IncidentRow, LogRow, StackRow, TaskRow, Why
from otp.tui.columns import time_of
from otp.tui.durations import short
from otp.tui.printable import printable
from otp.tui.states import LEVELS, Tone, sign, tone

__all__ = ("PAGES", "STYLES", "Page", "clock_time", "event_line", "page")

Page = Literal["Summary", "Events", "Log", "Stack", "Policy"]
PAGES: tuple[Page, ...] = ("Summary", "Events", "Log", "Stack", "Policy")

STYLES: dict[Tone, str] = {"good": "green", "waiting": "bold yellow", "bad": "bold red", "quiet": "dim", "plain": ""}
"""What a tone is in the terminal's own colours."""

LABEL = 11


def page(wanted: Page, row: ChildRow, why: Why | None) -> Text:
    """One page; as much of it as is known without an answer."""
    lines = [*_PAGES[wanted](row, why)] if why is not None or wanted == "Summary" else [Text("asking …", "dim")]
    return Text("\n").join(lines)


def clock_time(wall: float) -> str:
    """The time of day here, of seconds since 1970."""
    return time.strftime("%H:%M:%S", time.localtime(wall))


def event_line(event: EventRow, about: str = "") -> Text:
    """One event in a line; its path is left out where that is `about`, which is known."""
    line = Text(f"{clock_time(event.wall)} ", "dim", end="")
    line.append(f"{event.level[:4]:4} ", STYLES[LEVELS.get(event.level, "plain")])
    if event.path != about:
        line.append(f"{event.path}  ", "bold")
    return line.append(printable(event.text), "")


# ------------------------------------------------------------------------------------------------ summary


def _summary(row: ChildRow, why: Why | None) -> Iterator[Text]:
    yield _field("state", Text.assemble((f"{sign(row.state)} {row.state}", STYLES[tone(row)]), _state_words(row)))
    if row.paused:
        until = "until somebody resumes" if row.paused_s is None else f"for another {short(row.paused_s)}"
        yield _field("paused", Text(f"no restarts, no alerts, {until}", "bold yellow"))
    yield _field(
        "restarts", f"{row.crashes} crashed · {row.manual} manual · {row.collateral} collateral · streak {row.streak}"
    )
    yield _field("down", f"{short(row.downtime_s)} all together{_availability(row)}")
    if row.kind == "supervisor":
        yield _field("budget", f"{row.used} of {row.intensity} restarts in {row.period_s:g} s used · {row.strategy}")
    if row.last_cause:
        yield _field("last cause", _cause(row))
    if why is not None:
        yield from _more(why)


def _more(why: Why) -> Iterator[Text]:
    """What only an answer tells."""
    for incident in why.incidents[:3]:
        yield _field("incident", _incident(incident))
    for need in why.needs:
        state = f"down for {short(need.down_s)}" if need.down_s is not None else "is there"
        yield _field("needs", f"{need.name} {state} · {need.outages} outages, {short(need.downtime_s)}")
    if why.explained is not None:
        radius = ", ".join(_short(path) for path in why.explained.radius)
        yield _field("a restart", f"touches {radius or 'nothing'}; {why.explained.untouched} untouched")
    for failure in reversed(why.failures):
        yield _failure(failure)


def _state_words(row: ChildRow) -> str:
    return f"  {time_of(row).text} · {row.kind}, {row.restart} · start {row.generation}"


def _availability(row: ChildRow) -> str:
    share = "" if row.availability is None else f" · up {row.availability:.3%} of the time"
    return f"{share}{'' if row.mtbf_s is None else f' · {short(row.mtbf_s)} up for each failure'}"


def _cause(row: ChildRow) -> Text:
    when = "" if row.last_wall is None else f"{clock_time(row.last_wall)}  "
    verdict = f"  ({row.verdict})" if row.verdict else ""
    return Text(f"{when}{printable(row.last_cause)}{verdict}")


def _incident(incident: IncidentRow) -> Text:
    text = Text(f"{incident.id} {incident.state}", STYLES["bad"] if incident.state == "open" else "")
    text.append(f" since {clock_time(incident.opened_wall)}, {incident.count} failures", "")
    for marked, word in ((incident.injected, "injected"), (incident.maintenance, "maintenance")):
        text.append(f", {word}" if marked else "", "bold")
    where = f" at {incident.frame}" if incident.frame else ""
    return text.append(f": {printable(incident.message or incident.cause)}{where}", "")


def _failure(failure: FailureRow) -> Text:
    where = f"  {failure.frame}" if failure.frame else ""
    return _field("failed", f"{clock_time(failure.wall)}  {printable(failure.text)}{where} → {failure.outcome}")


# ------------------------------------------------------------------------------------------------ the others


def _events(row: ChildRow, why: Why | None) -> Iterator[Text]:
    timeline = why.timeline if why else ()
    yield from _or_nothing([event_line(event, row.path) for event in reversed(timeline)], "nothing happened to it yet")


def _log(_: ChildRow, why: Why | None) -> Iterator[Text]:
    yield from _or_nothing([_log_line(line) for line in reversed(why.log if why else ())], "it has logged nothing")


def _log_line(line: LogRow) -> Text:
    text = Text(f"{clock_time(line.wall)} ", "dim", end="")
    text.append(f"{line.level[:4]:4} ", STYLES[LEVELS.get(line.level, "plain")])
    return text.append(printable(line.text), "")


def _stack(_: ChildRow, why: Why | None) -> Iterator[Text]:
    lines = [line for stack in (why.stacks if why else ()) for line in _tasks(stack)]
    yield from _or_nothing(lines, "it does not run")


def _tasks(stack: StackRow) -> Iterator[Text]:
    yield Text(f"{stack.path}  {stack.state}", "bold")
    for task in stack.tasks:
        yield from _task(task)


def _task(task: TaskRow) -> Iterator[Text]:
    indent = "  " * (task.depth + 1)
    yield Text(f"{indent}{printable(task.name)}")
    for step in task.chain:
        yield Text(f"{indent}  → {printable(step)}")


def _policy(_: ChildRow, why: Why | None) -> Iterator[Text]:
    explained = why.explained if why else None
    text = explained.text if explained else "the root: nobody restarts it; when it gives up, the process ends"
    yield from (Text(printable(line)) for line in text.splitlines())


def _or_nothing(lines: Sequence[Text], nothing: str) -> Sequence[Text]:
    return lines or [Text(nothing, "dim")]


def _field(label: str, value: Text | str) -> Text:
    return Text.assemble((f"{label:{LABEL}}", "dim"), value if isinstance(value, Text) else Text(value))


def _short(path: str) -> str:
    return path.partition("/")[2] or path


_PAGES: dict[Page, Callable[[ChildRow, Why | None], Iterator[Text]]] = {
    "Summary": _summary,
    "Events": _events,
    "Log": _log,
    "Stack": _stack,
    "Policy": _policy,
}
