"""`otp tree`: the running tree; with a target, that tree on paper, see `otp.cli.on_paper`.

    massive  pid 4121 · up 6d 02:14 · 2/3 up · 1 open incident · loop lag 3 ms · asyncio
    TREE             KIND          STATE    UP          ↺  NOTES
    massive          rest_for_one  RUNNING  6d 02:14    0  0/5 in 60 s
    ├─ orchestrator  worker        RUNNING  6d 02:14    0
    └─ workers       one_for_one   RUNNING  6d 02:14    0  1/5 in 60 s
       └─ ws_worker  worker        BACKOFF  next 7.4 s  5  streak 3  1HB3V0ZK7Q2F  ProviderClosed: 1012

NOTES has the budget of a supervisor, streak, open incident, maintenance, and the last failure.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from otp.cli.branches import drawn
from otp.cli.connection import Connection, on_a_running_tree
from otp.cli.on_paper import on_paper
from otp.cli.output import Output, Page, Shown
from otp.cli.queries.states import all_well, blocked, head, notes, since, state, up_count
from otp.cli.queries.watching import watch, watch_option
from otp.cli.tables import Cell, Column, Row, table
from otp.cli.target import load_target, with_target
from otp.cli.terminal import Style
from otp.control.wire.commands import GetSnapshot
from otp.control.wire.looks import NEED_DOWN, Tone
from otp.control.wire.rows import ChildRow, Snapshot
from otp.text.durations import duration

_COLUMNS = (
    Column("TREE", least=20),
    Column("KIND"),
    Column("STATE"),
    Column("UP"),
    Column("↺", right=True),
    Column("NOTES", least=16),
)
_WIDE = (*_COLUMNS[:4], Column("CRASHES", right=True), Column("MANUAL", right=True), Column("COLLATERAL", right=True))


@click.command(epilog="Example:  otp tree -w")
@partial(with_target, required=False)
@watch_option
@on_a_running_tree
def tree(
    *,
    target: str | None,
    config: Path | None,
    show_traceback: bool,
    watching: bool,
    connection: Connection,
    output: Output,
) -> None:
    """Draw the running tree, or that of TARGET on paper.

    With TARGET that tree is printed without being started. Exit code 3 if something in the running tree is not up; what is done counts as up.
    """
    if target is not None:
        output.show(on_paper(load_target(target, config, show_traceback)))
    elif watching:
        watch(connection, output, shown)
    else:
        with connection.open() as client:
            snapshot = client.ask(GetSnapshot())
        output.show(shown(snapshot), up=all_well(snapshot))


def shown(snapshot: Snapshot) -> Shown:
    """Show the tree as a drawing, and as rows."""
    rows = snapshot.rows
    return Shown(snapshot, [row.path for row in rows], lambda page: _text(snapshot, page), rows)


def _text(snapshot: Snapshot, page: Page) -> list[str]:
    columns = (*_WIDE, _COLUMNS[-1]) if page.wide else _COLUMNS
    rows = {row.path: row for row in snapshot.rows}
    lines = [_line(name, rows[path], snapshot.wall, page) for name, path in drawn(rows)]
    drawing = table(columns, lines, within=page.within, colour=page.colour)
    return [*head(_head(snapshot), page), *drawing]


def _head(snapshot: Snapshot) -> Iterator[tuple[str, Style]]:
    yield f"{snapshot.app}  {' · '.join(_facts(snapshot))}", "title"
    yield from blocked(snapshot)
    for need in snapshot.needs:
        if need.down_s is not None:
            yield f"{need.name} is down for {duration(need.down_s)}: {need.last}", NEED_DOWN


def _facts(snapshot: Snapshot) -> Iterator[str]:
    """What may be cut on a narrow terminal comes last."""
    yield f"pid {snapshot.pid}"
    yield f"up {duration(snapshot.up_s)}"
    yield up_count(snapshot) if snapshot.state in ("up", "degraded") else f"{up_count(snapshot)}, {snapshot.state}"
    if snapshot.open_incidents:
        yield f"{snapshot.open_incidents} open incident{'s'[: snapshot.open_incidents != 1]}"
    if snapshot.faults:
        yield "faults enabled"
    if snapshot.lag_s is not None:
        yield f"loop lag {duration(snapshot.lag_s)}"
    yield snapshot.backend


def _line(name: str, row: ChildRow, now: float, page: Page) -> Row:
    counts = (row.crashes, row.manual, row.collateral) if page.wide else (row.crashes,)
    kind = row.strategy or row.kind
    return name, Cell(kind, Tone.QUIET), state(row), since(row), *map(str, counts), notes(row, now)
