"""`otp why`: one screen that answers what happened to a child, and what happens next."""

import time
from collections.abc import Iterable, Iterator, Sequence

import click
from msgspec.structs import asdict, replace

from otp.cli.connection import Connection, on_a_running_tree, path_argument
from otp.cli.output import Output, Page, Shown
from otp.cli.queries.fact_sheet import Fact, sheet
from otp.cli.queries.stack import stack_lines
from otp.cli.queries.states import budget, maintenance, since, state
from otp.control.wire.commands import GetWhy
from otp.control.wire.rows import ChildRow, EventRow, IncidentRow, NeedRow, Why
from otp.core.paths import id_of
from otp.text.clock import clock, stamp
from otp.text.durations import duration

SCREEN = {"happened": 8, "log": 6, "now in": 6, "failures": 3}
"""Lines of a part on one screen; -o wide has all."""

_AT_WORK = ("starting", "running", "stopping")
"""States in which a supervisor decides what becomes of its children."""

MANY = 1_000
"""More lines than a part has."""


@click.command(epilog="Example:  otp why massive/workers/ws_worker")
@path_argument
@on_a_running_tree
def why(*, path: str, connection: Connection, output: Output) -> None:
    """Say what happened to a child, and what happens next.

    On one screen: cause, siblings, timeline, the last lines of its log, where it is now. -o wide says all.
    """
    with connection.open() as client:
        output.show(shown(client.greeting.app, client.ask(GetWhy(path=path))))


def shown(app: str, found: Why) -> Shown:
    """Show all that is known of a child."""
    return Shown({"app": app, **asdict(found)}, (found.child.path,), lambda page: _text(found, page))


def what_next(child: ChildRow) -> str:
    """Say what becomes of a child in its state, or which command changes that."""
    if child.paused:
        left = maintenance(child).removeprefix("maintenance").removeprefix(", ")
        return f"maintenance: no restarts until otp resume {child.path}{f', or {left}' if left else ''}"
    said = {
        "running": "it is up",
        "backoff": f"it is tried again in {duration(child.next_retry_s)}",
        "held": "it is started as soon as what it needs is there again",
        "restarting": "its restart failed, and is tried again",
        "starting": "it has been started, and is not ready yet",
        "failed": f"it stays down until somebody starts it: otp restart {child.path}",
        "stopped": f"it stays down until somebody starts it: otp start {child.path}",
        "pending": "its turn to be started comes with its supervisor's start",
        "stopping": "it was asked to stop, and is not gone yet",
        "exited": "it has ended; what follows is decided when its supervisor is done with the others",
        "paused": f"it is started when the maintenance is over: otp resume {child.path}",
        "refused": "it still runs and does not end; only the end of the process ends it",
        "done": "nothing: it has ended for good",
    }
    streak = f"; {child.streak} failures in a row are forgotten once it is healthy" if child.streak else ""
    return f"{said.get(child.state, child.state)}{streak if child.state == 'running' else ''}"


def _text(found: Why, page: Page) -> Iterator[str]:
    facts = list(_facts(found, page, time.time()))
    return sheet(found.child.path, state(found.child), facts if page.wide else _on_screen(facts), page)


def _on_screen(facts: Iterable[Fact]) -> list[Fact]:
    """The newest lines of each part; of a stack the innermost, for there it hangs."""
    return [fact._replace(lines=fact.lines[-SCREEN.get(fact.name, MANY) :]) for fact in facts]


def _facts(found: Why, page: Page, now: float) -> Iterator[Fact]:
    child = found.child
    yield Fact("now", [f"{since(child)}, {child.crashes} crashes, streak {child.streak}"])
    yield Fact("cause", [child.last_cause, *_places(found)], whole=True)
    yield Fact("next", [_what_next(child, found.supervisor)], whole=True)
    yield Fact("settings", list(_settings(found, page)), whole=True)
    yield Fact("incidents", [_incident(row, now) for row in found.incidents])
    yield Fact("needs", [_need(need) for need in found.needs])
    is_root = found.supervisor.path == child.path
    yield Fact("supervisor", [_supervisor(found.supervisor)])
    yield Fact("children" if is_root else "siblings", list(_siblings(found.siblings)))
    yield Fact("failures", [f"{stamp(row.wall, now)} {row.outcome:<11} {row.text}" for row in found.failures])
    yield Fact("happened", [_happened(row, child, now) for row in found.timeline])
    yield Fact("log", [f"{stamp(row.wall, now)} {row.level:<8} {row.text}" for row in found.log])
    yield Fact("now in", list(_now_in(found, page)))


def _what_next(child: ChildRow, supervisor: ChildRow) -> str:
    """What becomes of a child; of its supervisor, when that is the one that is down."""
    if child.state != "stopped" or supervisor.state in _AT_WORK:
        return what_next(child)
    return f"its supervisor is down: {what_next(supervisor)}"


def _settings(found: Why, page: Page) -> Iterator[str]:
    """When the child is given up, and what then; on one screen only for failures of the last one's kind."""
    if found.explained is None:
        return
    others = {course.verdict for course in found.explained.explanation.courses} - {found.child.verdict}
    for line in found.explained.text.splitlines()[1:]:
        if page.wide or line.split()[0] not in others:
            yield line.strip()


def _now_in(found: Why, page: Page) -> Iterator[str]:
    """What the child awaits; on one screen only its own task, not those that it started."""
    for row in found.stacks:
        if row.tasks:
            yield from stack_lines(row if page.wide else replace(row, tasks=row.tasks[:1]), wide=page.wide)


def _places(found: Why) -> Iterator[str]:
    """The place of the last failure, and the policy's name for it."""
    if found.failures:
        last = found.failures[-1]
        said = (f"in {last.frame}" if last.frame else "", f"by its policy: {last.verdict}" if last.verdict else "")
        yield ", ".join(filter(None, said))


def _incident(row: IncidentRow, now: float) -> str:
    return f"{row.id}  {row.state}, {row.count} × since {clock(row.opened_wall, now)}"


def _need(need: NeedRow) -> str:
    if need.down_s is None:
        return f"{need.name} is there again; it was down: {need.last}"
    return f"{need.name} is down for {duration(need.down_s)}: {need.last}"


def _supervisor(row: ChildRow) -> str:
    used = f"  {row.strategy}, {budget(row)} used" if budget(row) else ""
    return f"{row.path}  {row.state.upper()}{used}"


def _happened(row: EventRow, child: ChildRow, now: float) -> str:
    """An event, with its path unless that is the child's."""
    other = "" if row.path == child.path else f"{row.path}  "
    return f"{stamp(row.wall, now)} {row.level:<8} {other}{row.text}"


def _siblings(rows: Sequence[ChildRow]) -> Iterator[str]:
    """How many siblings are up, and a line for each that is not."""
    if rows:
        yield f"{sum(row.ready for row in rows)} of {len(rows)} up"
    yield from (
        f"{id_of(row.path)}  {row.state.upper()}  {since(row)}  {row.last_cause}" for row in rows if not row.ready
    )
