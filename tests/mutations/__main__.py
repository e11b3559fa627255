"""`python -m tests.mutations`: break the machine in every way that is listed, and see that a test finds it."""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import anyio
import click
import pytest

from tests.mutations.mutation import PROJECT, Mutation
from tests.mutations.mutations import MUTATIONS

PATIENCE = 4
"""A trial may take so many times as long as that of the machine as it is; then it has been found to never end."""


class Found(NamedTuple):
    """The end of a trial: the test that failed, if one did."""

    by: str | None
    seconds: float


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Trials at a time.")
def main(names: tuple[str, ...], jobs: int) -> None:
    """Try the mutations that are named, by a part of their names, or all; exit code 1 if one of them survives."""
    mutations = [m for m in MUTATIONS if not names or any(name in m.name for name in names)]
    if not mutations:
        raise click.UsageError("no mutation has such a name")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left behind
    with tempfile.TemporaryDirectory(prefix="otp-mutations-") as folder:
        original = Path(folder).resolve()
        _copy(PROJECT, original)  # so that nobody changes it meanwhile
        survivors = anyio.run(_try_all, original, mutations, jobs)
    if survivors:
        sys.exit("\n".join(["", f"{len(survivors)} of {len(mutations)} survive:", *survivors]))
    click.echo(f"\nall {len(mutations)} are found")


async def _try_all(original: Path, mutations: list[Mutation], jobs: int) -> list[str]:
    """Try each; the names of those that survive."""
    healthy = await _trial(original, None, 600.0)
    if healthy.by is not None:
        sys.exit(f"without any mutation there fails {healthy.by}")
    click.echo(f"without any mutation all tests pass, in {healthy.seconds:.0f} s")
    limiter = anyio.CapacityLimiter(jobs)
    survivors: list[str] = []

    async def attempt(mutation: Mutation) -> None:
        async with limiter:
            found = await _trial(original, mutation, healthy.seconds * PATIENCE)
        if found.by is None:
            survivors.append(mutation.name)
        click.echo(f"{mutation.name:80} {found.seconds:4.0f} s  {found.by or 'SURVIVES'}")

    async with anyio.create_task_group() as group:
        for mutation in mutations:
            group.start_soon(attempt, mutation)
    return survivors


async def _trial(original: Path, mutation: Mutation | None, limit: float) -> Found:
    """Run the tests in a copy of the project, with that mutation, for at most so many seconds."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="otp-mutation-") as folder:
        copy = Path(folder).resolve()
        _copy(original, copy)
        if mutation is not None:
            path = copy / "otp" / "core" / mutation.file
            path.write_text(mutation.mutate(path.read_text()))
        by: str | None = f"no end within {limit:.0f} s"
        with anyio.move_on_after(limit):
            by = await _first_failure(copy)
    return Found(by, time.monotonic() - began)


def _copy(project: Path, copy: Path) -> None:
    for name in ("otp", "tests"):
        shutil.copytree(project / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "pyproject.toml", copy)


async def _first_failure(copy: Path) -> str | None:
    command = [sys.executable, "-m", "tests.mutations.trial"]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    ended = await anyio.run_process(command, cwd=copy, env=environment, check=False)
    if ended.returncode == 0:
        return None
    *_, last = (ended.stdout + ended.stderr).decode().strip().split("\n")
    return last if ended.returncode == pytest.ExitCode.TESTS_FAILED else f"the run itself: {last}"


if __name__ == "__main__":
    main()
