"""A healthy tree of 10 000 children over a minute: processor time, and how often a thread wakes up.

    bare     `open_supervisor` in a program that has nothing else
    whole    `otp.run`: log, history, incidents, the control socket, the watch over the event loop

Wake-ups are the voluntary context switches of a thread, as the kernel counts them; turns are those of the event loop.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from benchmarks.rig.catalog import OURS
from benchmarks.rig.rounds import Outcome, take_turns
from benchmarks.rig.rows import Row, in_groups
from benchmarks.rig.system import System

CHILDREN = 10_000
VARIANTS = {"bare": "ours", "whole": "ours.whole"}


def measure(*, quick: bool) -> list[Row]:
    seconds = 5 if quick else 60
    options = ("--children", CHILDREN, "--seconds", seconds)
    systems = {(variant, s): replace(s, module=m) for variant, m in VARIANTS.items() for s in OURS.values()}
    commands = {f"{s.name}, {variant}": s.command("idle", *options) for (variant, _), s in systems.items()}
    taken = take_turns(commands, 1)
    rows: list[Row] = []
    for (variant, _), system in systems.items():
        for outcome in taken[f"{system.name}, {variant}"]:
            rows += _rows(system, variant, outcome, f"{in_groups(CHILDREN)} idle children, {seconds} s")
    return rows


def _rows(system: System, variant: str, outcome: Outcome, section: str) -> Iterator[Row]:
    of = {"system": system.name, "kind": system.kind, "section": f"{section}, {variant}"}
    limit = 0 if variant == "bare" else None
    yield Row(what=f"{system.name}: processor time", figure=outcome["cpu_ms"], unit="ms", **of)
    yield Row(what=f"{system.name}: wake-ups of the event loop", figure=outcome["loop"], unit="", limit=limit, **of)
    if outcome["turns"] is not None:
        yield Row(what=f"{system.name}: turns of the event loop", figure=outcome["turns"], unit="", limit=limit, **of)
    yield Row(what=f"{system.name}: wake-ups of other threads", figure=outcome["threads"], unit="", limit=limit, **of)
