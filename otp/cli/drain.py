"""`otp drain`: the end of the whole process, in order."""

from collections.abc import Iterator
from time import monotonic

import click

from otp.cli.connection import Connection, with_connection
from otp.cli.durations import duration, seconds
from otp.cli.exit_codes import Ended, ExitCode
from otp.cli.output import Output, Shown, fields, with_output
from otp.cli.text import printable
from otp.control.client import Client
from otp.control.protocol import Drain, Draining

__all__ = ("drain",)

LAST_CHANCE = 5.0
"""Seconds that a process has to end when the time of its children is over."""


@click.command(epilog='Example:  otp drain --within 30s --reason "deploy 412"')
@click.option(
    "--within",
    type=seconds,
    metavar="DURATION",
    help="What is left after that is stopped at once; else as it was started.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be stopped.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit.")
@with_connection
@with_output
def drain(*, within: float | None, dry_run: bool, reason: str, connection: Connection, output: Output) -> None:
    """Stop the whole tree in order, and end the process.

    It is ready no more from then on, and ends with code 0. The command waits until it has ended.
    """
    began = monotonic()
    with connection.open() as client:
        draining = client.ask(Drain(seconds=within, dry_run=dry_run, reason=reason))
        if not dry_run:
            _wait(client, max(connection.timeout, (within or 0.0) + LAST_CHANCE))
        output.show(_shown(client, draining, monotonic() - began))


def _wait(client: Client, patience: float) -> None:
    if not client.until_closed(patience):
        raise Ended(
            f"{client.greeting.app} has not ended after {duration(patience)}, and still stops; otp tree shows who is "
            "left, --within bounds it",
            ExitCode.TIMED_OUT,
        )


def _shown(client: Client, draining: Draining, took: float) -> Shown:
    document = {"app": client.greeting.app, **fields(draining), "took_s": took}
    lines = [printable(line) for line in _lines(client.greeting.app, draining, took)]
    return Shown(document, (document,), draining.children, lambda _: "\n".join(lines))


def _lines(app: str, draining: Draining, took: float) -> Iterator[str]:
    if draining.dry_run:
        yield f"would stop {app}, {len(draining.children)} children, in this order:"
        yield from (f"  {path}" for path in draining.children)
    else:
        yield f"drained {app}  {len(draining.children)} children stopped  in {duration(took)}  op {draining.op[:8]}"
