"""Commands that act on children: restart, stop, start, reset, pause, resume.

    restarted massive/workers/ws_worker  running → running  in 12 ms  (others untouched: 14)  op 3f2a61c0

What they have in common is in `otp.cli.on_children`.
"""

import click

from otp.cli.on_children import Named, acting
from otp.cli.parameters import seconds
from otp.control.wire.commands import Pause, Reset, Restart, Resume, Start, Stop

__all__ = ("pause", "reset", "restart", "resume", "start", "stop")


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
@click.option("--for", "seconds", type=seconds, metavar="DURATION", help="It ends by itself after that.")
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
