"""The arguments that name a tree on paper, TARGET and --config, and the tree that they lead to."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from otp.errors import LoadError
from otp.loading import load
from otp.runtime.crash import report
from otp.spec import SupervisorSpec
from otp.text.redaction import clean

Command = TypeVar("Command", bound=Callable[..., None])


class Failure(click.ClickException):
    """One clear message on standard error, and exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(clean(message))


def with_target(command: Command, *, required: bool = True) -> Command:
    """Give a command the arguments of `load_target`; without a TARGET that is not required, `target` is None."""
    for parameter in (
        click.option("--traceback", "show_traceback", is_flag=True, help="Show where it failed."),
        click.option(
            "--config", type=click.Path(path_type=Path), metavar="FILE", help="JSON or TOML file for the tree's config."
        ),
        click.argument("target", required=required),
    ):
        command = parameter(command)
    return command


def load_target(target: str, config: Path | None, show_traceback: bool) -> SupervisorSpec:
    """Load the tree, or end the command with a message."""
    try:
        return load(target, config)
    except LoadError as error:
        if show_traceback:
            click.echo(report(error), err=True)
        raise Failure(str(error)) from error
