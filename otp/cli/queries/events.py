"""`otp events` prints what has happened, as the log says it; with -f also what happens.

    09:30:00.412 WARNING  massive/workers/ws_worker  restarting after ProviderClosed: 1012  (1 of 5 in 60 s)

Oldest first. What is not of today has its day in front.
"""

import time
from collections.abc import Sequence

import click

from otp.cli.connection import Connection, check_known, on_a_running_tree, optional_path
from otp.cli.exit_codes import Ended, ExitCode
from otp.cli.output import Output, Page, Shown, listing
from otp.cli.queries.watching import watched
from otp.cli.terminal import cut, paint
from otp.control.client.client import Client
from otp.control.wire.commands import GetEvents
from otp.control.wire.looks import tone_of_level
from otp.control.wire.rows import Delta, EventRow
from otp.control.wire.targets import covering
from otp.text.clock import stamp
from otp.text.printable import printable

QUIET = 3600.0
"""Seconds without an event after which a follower merely goes on waiting."""

MISSED = 10_000
"""Events that a follower catches up with, when it was too slow for the stream."""


@click.command(epilog="Example:  otp events -f workers/ws_worker")
@optional_path
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option("-n", "--lines", type=click.IntRange(min=0), default=20, show_default=True, help="How many at most.")
@click.option("-v", "--verbose", is_flag=True, help="Healthy operation too (DEBUG).")
@on_a_running_tree
def events(*, path: str, follow: bool, lines: int, verbose: bool, connection: Connection, output: Output) -> None:
    """Print the last events, oldest first.

    With PATH, which may be a pattern, only those about it and what is below it.
    """
    if follow and output.form == "json":
        raise click.UsageError("json is one document, and -f has no end; use -o jsonl")
    wanted = GetEvents(path=path, limit=max(1, lines), debug=verbose)
    with connection.open() as client:
        found = client.ask(wanted).events
        if path and not found and not follow:  # a child that is gone still has its events
            check_known(client, path)
        output.show(shown(client.greeting.app, found if lines else ()))
        if follow:
            _follow(connection, client, output, wanted, last=found[-1].seq if found else 0)


def shown(app: str, found: Sequence[EventRow]) -> Shown:
    """The events, one a line."""
    paths = [row.path for row in found]
    return listing(app, "events", found, paths, lambda page: [_on_page(row, page) for row in found])


def event_line(row: EventRow, now: float) -> str:
    """The event as the log has it."""
    return f"{stamp(row.wall, now)} {row.level:<8} {row.path}  {row.text}"


def _on_page(row: EventRow, page: Page) -> str:
    line = printable(event_line(row, time.time()))
    fitting = line if page.within is None else cut(line, page.within)
    return paint(fitting, tone_of_level(row.level), colour=page.colour)


def _follow(connection: Connection, client: Client, output: Output, wanted: GetEvents, last: int) -> None:
    """Print what happens after event `last`.

    The stream begins with a snapshot, and has another one wherever it left something out:

    1. `client` has got the events up to `last`.
    2. More happens, and the stream begins, or goes on, behind it.
    3. So at each snapshot `client` is asked once more, and what has been shown is left out.
    """
    app = client.greeting.app
    catch_up = GetEvents(path=wanted.path, limit=MISSED, debug=wanted.debug)
    with connection.open() as stream:
        for _, message in watched(stream, QUIET):
            if message is None:
                continue
            got = _about(message.events, wanted, app) if isinstance(message, Delta) else client.ask(catch_up).events
            new = [row for row in got if row.seq > last]
            last = max((row.seq for row in new), default=last)
            output.show(shown(app, new))
    raise Ended(f"{app} has ended", ExitCode.UNREACHABLE)


def _about(found: Sequence[EventRow], wanted: GetEvents, app: str) -> list[EventRow]:
    is_meant = covering(app, wanted.path)
    return [row for row in found if (wanted.debug or row.level != "DEBUG") and is_meant(row.path)]
