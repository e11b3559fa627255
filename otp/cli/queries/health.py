"""`otp health`: whether all is well, and what is not."""

from collections.abc import Iterator

import click

from otp.cli.connection import Connection, on_a_running_tree
from otp.cli.output import Output, Page, Shown
from otp.cli.queries.watching import watch, watch_option
from otp.cli.terminal import paint
from otp.control.wire.commands import GetHealth
from otp.control.wire.looks import of_health
from otp.control.wire.rows import Health
from otp.text.printable import printable


@click.command(epilog="Example:  otp health || otp tree")
@watch_option
@on_a_running_tree
def health(*, watching: bool, connection: Connection, output: Output) -> None:
    """Say whether all is well, and what is not.

    The gravest comes first. Exit code 3 if something is not well.
    """
    with connection.open() as client:
        if watching:
            watch(connection, output, lambda _: shown(client.ask(GetHealth())))
        found = client.ask(GetHealth())
    well = found.live and found.ready and found.up == found.total and not found.problems
    output.show(shown(found), up=well)


def shown(found: Health) -> Shown:
    """One line, and one more for each problem."""
    return Shown(found, found.problems, lambda page: _lines(found, page))


def _lines(found: Health, page: Page) -> Iterator[str]:
    live = "live" if found.live else "not live"
    ready = "ready" if found.ready else "not ready"
    said = f"{found.app}  {found.state}  {found.up}/{found.total} up, {live}, {ready}"
    yield paint(printable(said), of_health(found), colour=page.colour)
    yield from (f"  {printable(problem)}" for problem in found.problems)
