"""Where the time of a restart goes: its parts, beside those of the floor of the same shape.

    caught       from the raise until the scope is left and the error caught
    scheduled    from there until the next incarnation has a task: the decision
    entered      from there to its first line: the rest of the dying task, and a turn of the loop

Each stamp takes time too, so the parts together are a little more than a whole restart.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.rig.catalog import FLOORS, OURS
from benchmarks.rig.rounds import Outcome, take_turns
from benchmarks.rig.rows import Row
from benchmarks.rig.system import Kind, System

PARTS = ("caught", "scheduled", "entered")


def measure(*, quick: bool) -> list[Row]:
    rounds, restarts = (2, 1_000) if quick else (5, 4_000)
    return [row for backend in OURS for row in _rows(backend, rounds, restarts)]


def _rows(backend: str, rounds: int, restarts: int) -> Iterator[Row]:
    systems = {
        FLOORS[backend].name: System(name="floor", module="stamped.floor", kind=Kind.FLOOR, backend=backend),
        OURS[backend].name: System(name="ours", module="stamped.ours", kind=Kind.FRESH, backend=backend),
    }
    commands = {name: one.command("parts", "--restarts", restarts) for name, one in systems.items()}
    taken = take_turns({name: command for name, command in commands.items() if command is not None}, rounds)
    figures = {name: _medians(outcomes) for name, outcomes in taken.items() if outcomes}
    for name, parts in figures.items():
        of = {"unit": "µs", "section": backend, "system": name, "kind": systems[name].kind}
        for part in PARTS:
            yield Row(what=f"{name}: {part}", figure=parts[part], **of)


def _medians(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    return {part: statistics.median([ns / 1e3 for one in outcomes for ns in one[part]]) for part in PARTS}
