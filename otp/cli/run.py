"""`otp run`: a tree as a program."""

import math
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import click

from otp.application.entry import Backend, main
from otp.application.options import LOOP_THRESHOLD
from otp.application.program import Beside
from otp.application.reload import Reloader
from otp.application.standard_streams import open_standard_streams
from otp.application.watchman import EXIT_WITHIN
from otp.cli.target import Failure, load_target, with_target
from otp.extras import install
from otp.faults import Faults

_seconds_option = partial(click.option, type=click.FloatRange(min=0), metavar="SECONDS")


@click.command
@with_target
@click.option("--backend", type=click.Choice(get_args(Backend)), default="asyncio", show_default=True)
@click.option("--uvloop/--no-uvloop", default=None, help="asyncio on uvloop; without either: if it is installed.")
@_seconds_option(
    "--grace",
    default=math.inf,
    help="Budget of a stop in order; what is left then is ended at once. Without it: as long as the children say.",
)
@_seconds_option(
    "--exit-within",
    default=EXIT_WITHIN,
    show_default=True,
    help="What the process has when its last child is gone, or --grace is over; then it is gone, whatever still runs.",
)
@click.option(
    "--health-port",
    "health",
    metavar="[HOST:]PORT",
    help="Answer /livez and /readyz there; without HOST on 127.0.0.1, for Kubernetes 0.0.0.0:8080.",
)
@_seconds_option(
    "--loop-watch",
    default=LOOP_THRESHOLD,
    show_default=True,
    help="Name the child that blocks the event loop for so long, while it does; 0: do not.",
)
@click.option("--control/--no-control", default=True, help="Whether otp ps and its like can look in and steer.")
@click.option("--faults", is_flag=True, help="Allow otp fault to make workers fail on purpose.")
@click.option("--reload", is_flag=True, help="For development: restart workers whose modules are edited.")
def run(
    *,
    target: str,
    config: Path | None,
    show_traceback: bool,
    loop_watch: float,
    faults: bool,
    reload: bool,
    **options: Any,
) -> None:
    """Run a tree until it ends, or until Ctrl-C, SIGTERM or SIGHUP.

    The first signal stops it in order, the second one at once, also while a child blocks the event loop. Exit codes:
    0 ended in order, 2 no tree to run, 70 the tree failed or a child refused to stop, 78 a wrong spec, a failure that is
    fatal or a health port that is taken (restarting does not help), 128+n ended at once by signal n or because --grace
    was over, 1 ended while C code held the interpreter's lock.

    The end is certain: threads, tasks and processes that are left --exit-within seconds after the last child are named
    on standard error, each with the line where it hangs, and the process ends under them.

    The log goes to standard error; LOGURU_LEVEL=DEBUG shows healthy operation too.
    """
    open_standard_streams()  # before the tree's own modules open anything
    spec = load_target(target, config, show_traceback)
    switches = Faults() if faults else None
    beside = (_reloader(target, config, switches),) if reload else ()
    try:
        main(spec, loop_watch=loop_watch or None, faults=switches or False, beside=beside, **options)
    except ValueError as error:
        raise Failure(str(error)) from error


def _reloader(target: str, config: Path | None, faults: Faults | None) -> Beside:
    if find_spec("watchfiles") is None:
        raise Failure(f"watchfiles is not installed; {install('reload')}")
    return Reloader(target, config, around=faults.around) if faults else Reloader(target, config)
