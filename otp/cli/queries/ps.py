"""`otp ps`: one line for each child.

    PATH                       STATE    UP          ↺  STREAK  LAST-CAUSE
    massive/orchestrator       RUNNING  6d 02:14    0       0
    massive/workers            RUNNING  6d 02:14    0       0
    massive/workers/ws_worker  BACKOFF  next 7.4 s  5       3  ProviderClosed: 1012

In start order; the root is no child.
"""

import click

from otp.cli.connection import Connection, on_a_running_tree, optional_path
from otp.cli.output import Output, Page, Shown, listing
from otp.cli.queries.states import all_well, blocked, cause, head, maintenance, since, state
from otp.cli.queries.watching import watch, watch_option
from otp.cli.tables import Column, Row, table
from otp.control.wire.commands import GetSnapshot
from otp.control.wire.rows import ChildRow, Snapshot
from otp.control.wire.targets import chosen, covering
from otp.text.durations import duration

_PATH = Column("PATH", least=28, keeps_end=True)
_CAUSE = Column("LAST-CAUSE", least=16)

_NARROW = (_PATH, Column("STATE"), Column("UP"), Column("↺", right=True), Column("STREAK", right=True), _CAUSE)
_WIDE = (
    _PATH,
    Column("STATE"),
    Column("READY"),
    Column("UP"),
    Column("CRASHES", right=True),
    Column("MANUAL", right=True),
    Column("COLLATERAL", right=True),
    Column("STREAK", right=True),
    Column("DOWN", right=True),
    Column("AVAIL", right=True),
    Column("MTBF", right=True),
    Column("VERDICT"),
    Column("INCIDENT"),
    Column("MAINTENANCE"),
    _CAUSE,
)


@click.command(epilog="Example:  otp ps 'workers/*' -o wide")
@optional_path
@watch_option
@on_a_running_tree
def ps(*, path: str, watching: bool, connection: Connection, output: Output) -> None:
    """List the children, with figures (also: otp status).

    With PATH, which may be a pattern, only those at and below it.

    UP is how long a child is up, when it is tried again, or how long it is down; ↺ counts its crashes. Exit code 3 if
    one of them is not up, or the event loop does not turn; one that is done counts as up.
    """
    with connection.open() as client:
        snapshot = client.ask(GetSnapshot())
        found = _meant(snapshot, path)
        if path and not found:
            chosen(snapshot.rows, path)  # raises, and says what there is
    if watching:
        watch(connection, output, lambda snapshot: shown(snapshot, path))
    well = snapshot.blocked is None and all(row.ready for row in found) if path else all_well(snapshot)
    output.show(shown(snapshot, path), up=well)


def shown(snapshot: Snapshot, path: str = "") -> Shown:
    """The children, all or those at and below a path or pattern."""
    rows = _meant(snapshot, path)
    paths = [row.path for row in rows]
    return listing(snapshot.app, "children", rows, paths, lambda page: _text(rows, snapshot, page))


def _meant(snapshot: Snapshot, path: str) -> list[ChildRow]:
    is_meant = covering(snapshot.app, path)
    return [row for row in snapshot.children if is_meant(row.path)]


def _text(rows: list[ChildRow], snapshot: Snapshot, page: Page) -> list[str]:
    columns, line = (_WIDE, _wide) if page.wide else (_NARROW, _narrow)
    lines = table(columns, [line(row, snapshot.wall) for row in rows], within=page.within, colour=page.colour)
    return [*head(blocked(snapshot), page), *lines]


def _narrow(row: ChildRow, now: float) -> Row:
    said = "  ".join(filter(None, (maintenance(row), cause(row, now))))
    return row.path, state(row), since(row), str(row.crashes), str(row.streak), said


def _wide(row: ChildRow, now: float) -> Row:
    return (
        row.path,
        state(row),
        "yes" if row.ready else "no",
        since(row),
        str(row.crashes),
        str(row.manual),
        str(row.collateral),
        str(row.streak),
        duration(row.downtime_s),
        "–" if row.availability is None else f"{row.availability:.3%}",
        duration(row.mtbf_s),
        row.verdict,
        row.incident,
        maintenance(row),
        cause(row, now),
    )
