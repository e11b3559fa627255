"""Systems take turns, A B A B: each run is a process of its own, and what disturbs the machine disturbs them all."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rig.checkout import ROOT

PATIENCE = 180.0
"""Seconds after which a run is given up."""

Outcome = dict[str, Any]
"""What one run printed."""


def take_turns(commands: Mapping[str, Sequence[str] | None], rounds: int) -> dict[str, list[Outcome]]:
    """Run each command once a round, in changing order.

    Args:
        commands: by the name of the system; None: it is not here, which is said on standard error.
        rounds: how many runs of each.

    Returns:
        Of each system its outcomes; those that failed are left out, and said on standard error too.
    """
    outcomes: dict[str, list[Outcome]] = {name: [] for name in commands}
    here = {name: command for name, command in commands.items() if command is not None}
    if len(here) < len(commands):
        print(f"  not here: {'; '.join(name for name in commands if name not in here)}", file=sys.stderr)
    names = list(here)
    for turn in range(rounds):
        start = turn % max(1, len(names))
        order = names[start:] + names[:start]
        for name in reversed(order) if turn % 2 else order:
            outcome = _run(name, here[name])
            if outcome is not None:
                outcomes[name].append(outcome)
    return outcomes


def _run(name: str, command: Sequence[str]) -> Outcome | None:
    """One run, whose sockets go into a folder of its own, as it ends without taking them away."""
    with tempfile.TemporaryDirectory() as folder:
        return _run_in(Path(folder), name, command)


def _run_in(folder: Path, name: str, command: Sequence[str]) -> Outcome | None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(folder)}
    # Into files: a log costs its writes, but down a pipe it would wake this process for each line.
    with (folder / "out").open("w+b") as out, (folder / "err").open("w+b") as err:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err}
        try:
            done = subprocess.run(command, check=False, cwd=ROOT, env=environment, timeout=PATIENCE, **pipes)
        except subprocess.TimeoutExpired:
            return _failed(name, f"no result within {PATIENCE:.0f} s")
    figures = [line for line in _lines(folder / "out") if line.startswith("{")]
    if not figures:
        said = _lines(folder / "err")
        return _failed(name, f"exit code {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return json.loads(figures[-1])


def _lines(file: Path) -> list[str]:
    return file.read_text(errors="replace").strip().splitlines()


def _failed(name: str, why: str) -> None:
    print(f"  {name}: {why}", file=sys.stderr)
