"""`otp drain`: the end of the whole process, in order."""

from collections.abc import Iterator, Sequence
from time import monotonic

import click
from msgspec.structs import asdict

from otp.cli.connection import Connection, on_a_running_tree
from otp.cli.exit_codes import Ended, ExitCode
from otp.cli.output import Output, Shown
from otp.cli.parameters import duration_option
from otp.control.client.client import Client
from otp.control.client.errors import CommandFailed, Unreachable
from otp.control.wire.commands import Drain
from otp.control.wire.protocol import Draining
from otp.control.wire.rows import Delta, Snapshot
from otp.core.child import ChildState
from otp.text.durations import duration
from otp.text.printable import printable

LAST_CHANCE = 5.0
"""Seconds that a process has to end when the time of its children is over."""

LISTED = 8
"""Paths that a message lists."""


@click.command(epilog='Example:  otp drain --within 30s --reason "deploy 412"')
@duration_option("--within", help="What is left after that is stopped at once; else as it was started.")
@click.option("--dry-run", is_flag=True, help="Only say what would be stopped.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit.")
@on_a_running_tree
def drain(*, within: float | None, dry_run: bool, reason: str, connection: Connection, output: Output) -> None:
    """Stop the whole tree in order, and end the process.

    It is ready no more from then on, and ends with code 0. The command waits until it has ended. Exit code 1 if a child
    refused to stop, which ends the process too.
    """
    began = monotonic()
    with connection.open() as client:
        draining = client.ask(Drain(seconds=within, dry_run=dry_run, reason=reason))
        if not dry_run:
            refused = _wait(client, max(connection.timeout, (within or 0.0) + LAST_CHANCE))
            if refused:
                raise Ended(_not_in_order(client.greeting.app, refused), ExitCode.ERROR)
        output.show(_shown(client, draining, monotonic() - began))


def _wait(client: Client, patience: float) -> tuple[str, ...]:
    """Wait until the process has ended; return the children that refused to stop, as far as it said so."""
    deadline = monotonic() + patience
    refused: dict[str, None] = {}
    try:
        client.patience(patience)
        for message in client.watch():
            _note(message, refused)
            if (left := deadline - monotonic()) <= 0:
                raise _still_stops(client.greeting.app, patience)
            client.patience(left)
    except Unreachable:  # it ended faster than it could answer
        pass
    except CommandFailed:  # there is nothing to watch, or too many watch
        if not client.until_closed(deadline - monotonic()):
            raise _still_stops(client.greeting.app, patience) from None
    return tuple(refused)


def _note(message: Snapshot | Delta | None, refused: dict[str, None]) -> None:
    if message is None:
        return
    if isinstance(message, Delta):
        refused.update((event.path, None) for event in message.events if event.event == "child.refused")
    for row in message.children if isinstance(message, Snapshot) else message.changed:
        if row.state == ChildState.REFUSED:
            refused[row.path] = None
        else:
            refused.pop(row.path, None)


def _still_stops(app: str, patience: float) -> Ended:
    return Ended(
        f"{app} has not ended after {duration(patience)}, and still stops; otp tree shows who is left, --within bounds it",
        ExitCode.TIMED_OUT,
    )


def _not_in_order(app: str, refused: Sequence[str]) -> str:
    who = ", ".join(refused[:LISTED]) + (f" and {len(refused) - LISTED} more" if len(refused) > LISTED else "")
    return f"{app} has ended, but not in order: {who} refused to stop; the last line of its log says where it hung"


def _shown(client: Client, draining: Draining, took: float) -> Shown:
    document = {"app": client.greeting.app, **asdict(draining), "took_s": took}
    return Shown(document, draining.children, lambda _: map(printable, _lines(client.greeting.app, draining, took)))


def _lines(app: str, draining: Draining, took: float) -> Iterator[str]:
    if draining.dry_run:
        yield f"would stop {app}, {len(draining.children)} children, in this order:"
        yield from (f"  {path}" for path in draining.children)
    else:
        yield f"drained {app}  {len(draining.children)} children stopped  in {duration(took)}  op {draining.op[:8]}"
