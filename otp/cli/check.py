"""`otp check`: is there a tree that could run?"""

from pathlib import Path

import click

from otp.cli.target import load_target, with_target
from otp.spec import SupervisorSpec

__all__ = ("check",)


@click.command
@with_target
def check(*, target: str, config: Path | None, show_traceback: bool) -> None:
    """Build a tree without starting it; exit code 2 if it cannot run."""
    spec = load_target(target, config, show_traceback)
    workers, supervisors = _count(spec)
    click.echo(f"{spec.id}: {_plural(workers, 'worker')}, {_plural(supervisors, 'supervisor')}")


def _count(spec: SupervisorSpec) -> tuple[int, int]:
    workers, supervisors = 0, 1
    for child in spec.children:
        below = _count(child) if isinstance(child, SupervisorSpec) else (1, 0)
        workers, supervisors = workers + below[0], supervisors + below[1]
    return workers, supervisors


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
