"""`otp run`: a tree as a program."""

import math
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import click

from otp.application import Backend, Beside
from otp.application import run as run_tree
from otp.cli.target import Failure, load_target, with_target
from otp.host.reload import Reloader

__all__ = ("run",)


@click.command
@with_target
@click.option("--backend", type=click.Choice(get_args(Backend)), default="asyncio", show_default=True)
@click.option("--uvloop/--no-uvloop", default=None, help="asyncio on uvloop; without either: if it is installed.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=math.inf,
    metavar="SECONDS",
    help="How long a stop in order may take; without it: as long as the children say.",
)
@click.option("--reload", is_flag=True, help="For development: restart workers whose modules are edited.")
def run(
    *,
    target: str,
    config: Path | None,
    show_traceback: bool,
    backend: Backend,
    uvloop: bool | None,
    grace: float,
    reload: bool,
) -> None:
    """Run a tree until it ends, or until Ctrl-C or SIGTERM.

    The first signal stops it in order, the second one at once. Exit codes: 0 ended in order, 2 no tree to run,
    70 the tree failed, 78 a wrong spec, 128+n ended at once by signal n.

    The log goes to standard error; LOGURU_LEVEL=DEBUG shows healthy operation too.
    """
    spec = load_target(target, config, show_traceback)
    beside = (_reloader(target, config),) if reload else ()
    try:
        code = run_tree(spec, backend=backend, uvloop=uvloop, grace=grace, beside=beside)
    except ValueError as error:
        raise Failure(str(error)) from error
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    sys.exit(code)


def _reloader(target: str, config: Path | None) -> Beside:
    if find_spec("watchfiles") is None:
        raise Failure("watchfiles is not installed; pip install 'marketswarm-otp[reload]'")
    return Reloader(target, config)
