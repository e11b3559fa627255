"""`otp incidents` lists what is wrong, and since when; `otp incidents resolve` calls one over.

    ID            OPENED    PATH                       COUNT    DOWN  CAUSE
    1HB3V0ZK7Q2F  12:41:03  massive/workers/ws_worker      5  41.2 s  ProviderClosed: 1012

Newest first.
"""

import time
from collections.abc import Callable, Sequence

import click
from msgspec.structs import asdict

from otp.cli.completion import complete_incident
from otp.cli.connection import Connection, check_known, on_a_running_tree, optional_path
from otp.cli.output import Output, Page, Shown, listing
from otp.cli.queries.states import blocked, head
from otp.cli.queries.watching import watch, watch_option
from otp.cli.tables import Cell, Column, Fields, table_of
from otp.control.client.client import Client
from otp.control.client.errors import CommandFailed
from otp.control.wire.commands import GetIncidents, ResolveIncident
from otp.control.wire.looks import INCIDENTS
from otp.control.wire.rows import IncidentRow, Snapshot
from otp.text.clock import clock
from otp.text.durations import duration
from otp.text.printable import printable


class _ListFirst(click.Group):
    """A group of which `list` is called where nothing else is: its arguments may follow at once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["list", *args])


@click.group(
    epilog='\b\nExamples:  otp incidents --all\n           otp incidents resolve 1HB3V0ZK7Q2F --reason "fixed upstream"',
    cls=_ListFirst,
    options_metavar="[PATH] [OPTIONS]",
    subcommand_metavar="| resolve ID",
)
def incidents() -> None:
    """List open incidents, newest first; or call one over.

    `otp incidents PATH` lists those of a child and what is below it; see otp incidents list --help for its options.
    """


@incidents.command("list", epilog="Example:  otp incidents list 'workers/*' --all")
@optional_path
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
@watch_option
@on_a_running_tree
def list_incidents(*, path: str, everything: bool, watching: bool, connection: Connection, output: Output) -> None:
    """List open incidents, newest first.

    With PATH, which may be a pattern, those of it and what is below it.
    """
    with connection.open() as client:
        if watching:
            watch(connection, output, _asked_again(client, path, everything))
        found = _found(client, path, everything)
        if path and not found.entries:  # a child that is gone still has its incidents
            check_known(client, path)
        output.show(found)


@incidents.command(epilog='Example:  otp incidents resolve 1HB3V0ZK7Q2F --reason "fixed upstream"')
@click.argument("incident", metavar="ID", shell_complete=complete_incident)
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit.")
@on_a_running_tree
def resolve(*, incident: str, reason: str, connection: Connection, output: Output) -> None:
    """Call an incident over.

    Another failure of its kind opens a new one.
    """
    with connection.open() as client:
        resolved = client.ask(ResolveIncident(incident=incident, reason=reason))
    row = resolved.incident
    line = printable(f"resolved {row.id}  {row.path}  {_cause(row)}  op {resolved.op[:8]}")
    output.show(Shown(resolved, (row.id,), lambda _: [line], rows=[{"op": resolved.op, **asdict(row)}]))


def shown(app: str, found: Sequence[IncidentRow], now: float) -> Shown:
    """The incidents, one a line."""
    ids = [row.id for row in found]
    return listing(app, "incidents", found, ids, lambda page: _text(found, now, page))


def _asked_again(client: Client, path: str, everything: bool) -> Callable[[Snapshot], Shown]:
    """Make what `watch` shows at each change: the incidents of now, or the last ones while the event loop is blocked."""
    last: Shown | None = None

    def now(snapshot: Snapshot) -> Shown:
        nonlocal last
        try:
            last = _found(client, path, everything)
        except CommandFailed as no:
            if no.kind != "blocked" or last is None:
                raise
            return _as_before(last, snapshot)
        return last

    return now


def _as_before(last: Shown, snapshot: Snapshot) -> Shown:
    """What was shown last, below the lines on the event loop that does not turn."""
    text = last.text
    return Shown(last.document, last.names, lambda page: [*head(blocked(snapshot), page), *text(page)], last.rows)


def _found(client: Client, path: str, everything: bool) -> Shown:
    answer = client.ask(GetIncidents(path=path, resolved=everything))
    return shown(client.greeting.app, answer.incidents, time.time())


def _text(found: Sequence[IncidentRow], now: float, page: Page) -> list[str]:
    if not found:
        return ["no incidents"]
    fields = {**_BEGIN, **_MORE, **_END} if page.wide else {**_BEGIN, **_END}
    return table_of(fields, found, now, page)


def _cause(row: IncidentRow) -> str:
    states = {"resolved": row.state == "resolved", "injected": row.injected, "maintenance": row.maintenance}
    marks = [name for name, is_so in states.items() if is_so]
    mark = f"[{', '.join(marks)}] " if marks else ""
    kind = row.cause.rpartition(".")[2]
    said = row.message if row.message.startswith(kind) else f"{kind}: {row.message}"
    return f"{mark}{said.removesuffix(': ')}"


_BEGIN: Fields[IncidentRow] = {
    Column("ID"): lambda row, _: row.id,
    Column("OPENED"): lambda row, now: clock(row.opened_wall, now),
    Column("PATH", least=18, keeps_end=True): lambda row, _: row.path,
    Column("COUNT", right=True): lambda row, _: str(row.count),
    Column("DOWN", right=True): lambda row, _: duration(row.downtime_s),
}
_MORE: Fields[IncidentRow] = {
    Column("STATE"): lambda row, _: row.state,
    Column("LAST"): lambda row, now: clock(row.last_wall, now),
    Column("RESOLVED"): lambda row, now: clock(row.resolved_wall, now),
    Column("WORST"): lambda row, _: row.worst,
    Column("VERDICT"): lambda row, _: row.verdict,
    Column("FINGERPRINT"): lambda row, _: row.fingerprint,
    Column("FRAME"): lambda row, _: row.frame,
}
_END: Fields[IncidentRow] = {Column("CAUSE", least=15): lambda row, _: Cell(_cause(row), INCIDENTS[row.state])}
