"""`otp why`: one screen that answers what happened to a child, and what happens next."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from otp.cli.completion import complete_path
from otp.cli.connection import Connection, with_connection
from otp.cli.durations import clock, duration, stamp
from otp.cli.look.events import event_line
from otp.cli.look.sheet import Fact, sheet
from otp.cli.look.stack import stack_lines
from otp.cli.look.states import maintenance, since, state
from otp.cli.output import Output, Page, Shown, fields, with_output
from otp.control.protocol import GetWhy
from otp.control.rows import ChildRow, Why

__all__ = ("shown", "what_next", "why")

SCREEN = {"happened": 8, "log": 6, "now in": 6, "failures": 3}
"""Lines of a part on one screen; -o wide has all."""


@click.command(epilog="Example:  otp why massive/workers/ws_worker")
@click.argument("path", shell_complete=complete_path)
@with_connection
@with_output
def why(*, path: str, connection: Connection, output: Output) -> None:
    """Say what happened to a child, and what happens next.

    On one screen: cause, siblings, timeline, the last lines of its log, where it is now. -o wide says all.
    """
    with connection.open(path) as client:
        output.show(shown(client.greeting.app, client.ask(GetWhy(path=path))))


def shown(app: str, found: Why) -> Shown:
    """All that is known."""
    document: dict[str, Any] = {"app": app, **fields(found)}
    if found.explained is not None:
        document["explained"] = fields(found.explained)
    return Shown(document, (document,), (found.child.path,), lambda page: _text(found, page))


def what_next(child: ChildRow) -> str:
    """What becomes of a child in its state, or what somebody can do about it."""
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
        "refused": "it still runs and does not end; only the end of the process ends it",
        "done": "nothing: it has ended for good",
    }
    streak = f"; {child.streak} failures in a row are forgotten once it is healthy" if child.streak else ""
    return f"{said.get(child.state, child.state)}{streak if child.state == 'running' else ''}"


def _text(found: Why, page: Page) -> str:
    facts = [(name, lines if page.wide else _fitting(name, lines)) for name, lines in _facts(found, page)]
    return "\n".join(sheet(found.child.path, state(found.child), facts, page))


def _fitting(name: str, lines: Sequence[str]) -> Sequence[str]:
    """The newest lines of a part; of a stack the innermost too, for there it hangs."""
    return lines[-SCREEN[name] :] if name in SCREEN else lines


def _facts(found: Why, page: Page) -> Iterator[Fact]:
    child = found.child
    now = max((row.wall for row in found.timeline), default=child.last_wall or 0.0)
    yield "now", [f"{since(child)}, {child.crashes} crashes, streak {child.streak}"]
    yield "cause", [child.last_cause, *_places(found)]
    yield "next", [what_next(child)]
    yield "settings", found.explained.text.splitlines()[1:] if found.explained is not None else []
    yield (
        "incidents",
        [f"{row.id}  {row.state}, {row.count} × since {clock(row.opened_wall, now)}" for row in found.incidents],
    )
    yield "needs", [_need(need.name, need.down_s, need.last) for need in found.needs]
    yield "supervisor", [_supervisor(found.supervisor)]
    yield "siblings", list(_siblings(found.siblings))
    yield "failures", [f"{stamp(row.wall)} {row.outcome:<11} {row.text}" for row in found.failures]
    yield "happened", [event_line(row) for row in found.timeline]
    yield "log", [f"{stamp(row.wall)} {row.level:<8} {row.text}" for row in found.log]
    yield "now in", [line for row in found.stacks for line in stack_lines(row, wide=page.wide)]


def _places(found: Why) -> Iterator[str]:
    """Where the last failure was, and what the policy calls it."""
    if found.failures:
        last = found.failures[-1]
        said = (f"in {last.frame}" if last.frame else "", f"by its policy: {last.verdict}" if last.verdict else "")
        yield ", ".join(filter(None, said))


def _need(name: str, down_s: float | None, last: str) -> str:
    return (
        f"{name} is there again; it was down: {last}"
        if down_s is None
        else f"{name} is down for {duration(down_s)}: {last}"
    )


def _supervisor(row: ChildRow) -> str:
    return f"{row.path}  {row.state.upper()}  {row.strategy}, {row.used} of {row.intensity} restarts in {row.period_s:g} s used"


def _siblings(rows: Sequence[ChildRow]) -> Iterator[str]:
    """How many are up, and those that are not."""
    if rows:
        yield f"{sum(row.ready for row in rows)} of {len(rows)} up"
    yield from (
        f"{row.path.rpartition('/')[2]}  {row.state.upper()}  {since(row)}  {row.last_cause}"
        for row in rows
        if not row.ready
    )
