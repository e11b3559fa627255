"""`otp wait`: lets a script go on when a child is ready, or down."""

import time
from collections.abc import Sequence

import click
from msgspec.structs import replace

from otp.cli.connection import Connection, on_a_running_tree, path_argument
from otp.cli.exit_codes import Ended, ExitCode
from otp.cli.output import Output, Shown
from otp.cli.queries.states import since
from otp.cli.queries.watching import watched
from otp.control.client.client import Client
from otp.control.wire.commands import GetSnapshot
from otp.control.wire.rows import ChildRow
from otp.control.wire.targets import one
from otp.core.paths import is_within
from otp.text.durations import duration
from otp.text.printable import printable

SHOWN = 3
"""Children that a message lists."""

_ALIVE = ("starting", "running", "stopping", "refused")


@click.command(epilog="Example:  otp wait massive --for ready --timeout 2m")
@path_argument
@click.option(
    "--for",
    "goal",
    type=click.Choice(["ready", "down"]),
    default="ready",
    show_default=True,
    help="ready: up, and all below it as they should be; down: nothing of it runs.",
)
@on_a_running_tree
def wait(*, path: str, goal: str, connection: Connection, output: Output) -> None:
    """Wait until a child is ready or down.

    Exit code 7 if it is not within --timeout. The root's id as PATH stands for the whole tree; it is down when the process has ended.
    """
    began = time.monotonic()
    with connection.open() as client:
        row = _awaited(client, path, goal, began + connection.timeout)
        took = time.monotonic() - began
    said = printable(f"{row.path}  {row.state.upper()}  after {duration(took)}")
    output.show(Shown({"goal": goal, "took_s": took, "child": row}, (row.path,), lambda _: [said]))


def is_reached(goal: str, row: ChildRow, below: Sequence[ChildRow]) -> bool:
    """Whether a child and all below it are `ready`, or `down`."""
    if goal == "ready":
        return row.up_s is not None and all(each.ready for each in below)
    return not any(each.state in _ALIVE for each in (row, *below))


def _awaited(client: Client, path: str, goal: str, deadline: float) -> ChildRow:
    """Wait for the goal; return the child as it is then."""
    row = one(client.ask(GetSnapshot()).rows, path)
    for mirror, _ in watched(client, _left(deadline)):
        rows = {each.path: each for each in mirror.snapshot_at(time.monotonic()).rows}
        row = rows.get(row.path) or _gone(row)
        below = [each for path, each in rows.items() if is_within(path, row.path) and path != row.path]
        if is_reached(goal, row, below):
            return row
        if time.monotonic() >= deadline:
            raise Ended(_not_yet(goal, row, below), ExitCode.TIMED_OUT)
        client.patience(_left(deadline))
    if goal == "down":
        return _gone(row)
    raise Ended(f"{client.greeting.app} has ended", ExitCode.UNREACHABLE)


def _not_yet(goal: str, row: ChildRow, below: Sequence[ChildRow]) -> str:
    """The message that names the children which are not there yet."""
    left = [each for each in (row, *below) if (not each.ready if goal == "ready" else each.state in _ALIVE)]
    listed = ", ".join(f"{each.path} is {each.state.upper()}, {since(each)}" for each in left[:SHOWN])
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    return printable(f"{row.path} is not {goal} yet: {listed}{more}; otp why PATH says why")


def _gone(row: ChildRow) -> ChildRow:
    """The row of a child that has been forgotten, or whose process has ended."""
    return replace(row, state="stopped", up_s=None, next_retry_s=None)


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())
