"""Commands that act on children: restart, stop, start, reset, pause, resume; and fault, which makes one fail.

    restarted massive/workers/ws_worker  running → running  in 12 ms  (others untouched: 14)  op 3f2a61c0

What they share is in `otp.cli.acting`.
"""

from typing import Literal

import click

from otp.cli.acting import Named, acting
from otp.cli.parameters import duration_option
from otp.control.wire.commands import InjectFault, Pause, Reset, Restart, Resume, Start, Stop


@click.command(epilog='Example:  otp restart massive/workers/ws_worker --reason "new symbols"')
@acting("restart", "restarted")
def restart(named: Named) -> Restart:
    """Stop a child, wait until it is gone, start it afresh.

    Its siblings as the strategy says. It is counted as manual, and costs no restart of the budget.
    """
    return Restart(**named)


@click.command(epilog='Example:  otp stop workers/archiver --reason "disk is full"')
@acting("stop", "stopped")
def stop(named: Named) -> Stop:
    """Stop a child, and leave it down."""
    return Stop(**named)


@click.command(epilog="Example:  otp start workers/archiver")
@acting("start", "started")
def start(named: Named) -> Start:
    """Start a child that is down."""
    return Start(**named)


@click.command(epilog="Example:  otp reset workers/ws_worker")
@acting("reset", "reset")
def reset(named: Named) -> Reset:
    """Forget the streak and the budgets of a child.

    Of a supervisor its window of restarts too. Counters stay.
    """
    return Reset(**named)


@click.command(epilog='Example:  otp pause workers --for 10m --reason "provider moves"')
@duration_option("--for", "seconds", help="It ends by itself after that.")
@acting("pause", "paused")
def pause(named: Named, seconds: float | None) -> Pause:
    """Begin maintenance: no restarts, no alerts.

    It is for the child and all below it, until otp resume.
    """
    return Pause(seconds=seconds, **named)


@click.command(epilog="Example:  otp resume workers")
@acting("resume", "resumed")
def resume(named: Named) -> Resume:
    """End maintenance; what ended meanwhile is started."""
    return Resume(**named)


# ------------------------------------------------------------------------------------------------ faults on purpose


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
@duration_option("--for", "seconds", default="30s", show_default=True, help="Nothing of it is left after that.")
@acting("make fail", "a fault is on its way to", undone="gets no fault", sum_of="get a fault")
def fault(named: Named, kind: Kind, times: int | None, seconds: float) -> InjectFault:
    """Make a worker fail on purpose.

    Only in a process that was started with faults enabled. Its incidents are marked as injected.
    """
    return InjectFault(kind=kind, times=times, seconds=seconds, **named)
