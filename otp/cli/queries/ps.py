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
from otp.cli.tables import Column, Fields, table_of
from otp.control.wire.commands import GetSnapshot
from otp.control.wire.rows import ChildRow, Snapshot
from otp.control.wire.targets import chosen, covering
from otp.text.durations import duration

_NARROW: Fields[ChildRow] = {
    Column("PATH", least=28, keeps_end=True): lambda row, _: row.path,
    Column("STATE"): lambda row, _: state(row),
    Column("UP"): lambda row, _: since(row),
    Column("↺", right=True): lambda row, _: str(row.crashes),
    Column("STREAK", right=True): lambda row, _: str(row.streak),
    Column("LAST-CAUSE", least=16): lambda row, now: "  ".join(filter(None, (maintenance(row), cause(row, now)))),
}
_WIDE: Fields[ChildRow] = {
    Column("PATH"): lambda row, _: row.path,
    Column("STATE"): lambda row, _: state(row),
    Column("READY"): lambda row, _: "yes" if row.ready else "no",
    Column("UP"): lambda row, _: since(row),
    Column("CRASHES", right=True): lambda row, _: str(row.crashes),
    Column("MANUAL", right=True): lambda row, _: str(row.manual),
    Column("COLLATERAL", right=True): lambda row, _: str(row.collateral),
    Column("STREAK", right=True): lambda row, _: str(row.streak),
    Column("DOWN", right=True): lambda row, _: duration(row.downtime_s),
    Column("AVAIL", right=True): lambda row, _: "–" if row.availability is None else f"{row.availability:.3%}",
    Column("MTBF", right=True): lambda row, _: duration(row.mtbf_s),
    Column("VERDICT"): lambda row, _: row.verdict,
    Column("INCIDENT"): lambda row, _: row.incident,
    Column("MAINTENANCE"): lambda row, _: maintenance(row),
    Column("LAST-CAUSE"): cause,
}


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
    lines = table_of(_WIDE if page.wide else _NARROW, rows, snapshot.wall, page)
    return [*head(blocked(snapshot), page), *lines]
