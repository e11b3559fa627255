"""`otp fault`: make a worker fail on purpose, to see that what ought to follow does."""

from typing import Literal

import click

from otp.cli.on_children import Named, acting
from otp.cli.parameters import seconds
from otp.control.wire.commands import InjectFault

__all__ = ("fault",)

KINDS = """\b
crash        it raises
hang         it goes on and does nothing
cancel       it is cancelled, and nobody asked for that
block-loop   it keeps the event loop
flap         it comes up and crashes, again and again

Example:  otp fault crash workers/ws_worker --times 3"""

Kind = Literal["crash", "hang", "cancel", "block-loop", "flap"]


@click.command(epilog=KINDS)
@click.argument("kind", type=click.Choice(["crash", "hang", "cancel", "block-loop", "flap"]))
@click.option(
    "--times",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many incarnations; without it one, and for flap as many as there is time for.",
)
@click.option(
    "--for",
    "seconds",
    type=seconds,
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="Nothing of it is left after that.",
)
@acting("make fail", "a fault is on its way to", undone="gets no fault", sum_of="get a fault")
def fault(named: Named, kind: Kind, times: int | None, seconds: float) -> InjectFault:
    """Make a worker fail on purpose.

    Only in a process that was started with faults enabled. Its incidents are marked as injected.
    """
    return InjectFault(kind=kind, times=times, seconds=seconds, **named)
