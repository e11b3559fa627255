"""Counts in the place of times: no neighbour on the machine changes them.

instructions    of one restart, by valgrind: the difference between a long and a short run, × that of the floor
leftovers       memory blocks that restarts leave behind, and calls of the collector of cycles
"""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from benchmarks.rig.catalog import FLOORS, OURS
from benchmarks.rig.checkout import ROOT
from benchmarks.rig.rounds import take_turns
from benchmarks.rig.system import System

FEW, MANY = 1_000, 3_000  # restarts of the two runs that are compared
COLLECTED = re.compile(r"I\s+refs:\s+([\d,]+)")
LONG = 20_000  # restarts: what is in the window is left over too, and is to be small against what each would leave
PATIENCE = 120.0


def instructions() -> dict[str, float]:
    """Processor instructions of a restart on asyncio, × the floor; nothing without valgrind."""
    if shutil.which("valgrind") is None:
        print("  instructions of a restart: not counted, valgrind is not here")
        return {}
    ours, floor = OURS["asyncio"], FLOORS["asyncio"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            (one.name, times): pool.submit(_instructions, one, times) for one in (ours, floor) for times in (MANY, FEW)
        }
        taken = {key: job.result() for key, job in jobs.items()}
    each = {one.name: (taken[one.name, MANY] - taken[one.name, FEW]) / (MANY - FEW) for one in (ours, floor)}
    return {"instructions of a restart": each[ours.name] / each[floor.name]}


def _instructions(system: System, restarts: int) -> int:
    """Of the whole process. Hashes are the same in each, or dictionaries would probe in other ways."""
    command = system.command("restart", "--restarts", restarts, "--warm-up", 0)
    assert command is not None
    done = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    found = COLLECTED.search(done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind counted nothing: {done.stderr[-500:]}")
    return int(found[1].replace(",", ""))


def leftovers() -> dict[str, float]:
    """Per 1 000 restarts, by event loop."""
    taken = take_turns({b: system.command("leftovers", "--restarts", LONG) for b, system in OURS.items()}, 1)
    return {
        f"{key} per 1 000 restarts, {backend}": outcome[key]
        for backend, outcomes in taken.items()
        for outcome in outcomes
        for key in ("blocks", "collections")
    }
