"""A trace: what happened in each step of a scenario, what was answered, how the tree looked when all was quiet."""

from typing import Any

from msgspec import Struct

Entry = tuple[str, ...]
"""`begin S`, `undone S` · `start W outcome` · `exit X reason` · `gives_up S offender`."""

Answer = Any
"""A word, or the list that a look gives."""


Snapshot = tuple[str, list[list[str]], list[int]]
"""A supervisor, its children with their states, and their counts: specs, active, supervisors, workers."""


class Told(Struct, frozen=True, array_like=True):
    """What one step led to.

    Attributes:
        entries: what happened, in order.
        answers: to the requests of the step, in order.
        snapshot: for each supervisor that lives, by name.
    """

    entries: list[Entry]
    answers: list[Answer]
    snapshot: list[Snapshot]


Trace = list[Told]
"""One for the start of the root, one for each step that the root lived to see, one for its stop."""


def show(trace: Trace) -> str:
    """The trace as lines, for a report."""
    return "\n".join(
        f"{number:3} {' · '.join(' '.join(entry) for entry in told.entries)}"
        f"{'  → ' + ', '.join(map(str, told.answers)) if told.answers else ''}\n    {told.snapshot}"
        for number, told in enumerate(trace)
    )


def difference(ours: Trace, theirs: Trace) -> str:
    """Where two traces part, or nothing."""
    if ours == theirs:
        return ""
    number = next(
        (n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    return f"they part at {number}\nOTP:\n{show(theirs[: number + 1])}\nours:\n{show(ours[: number + 1])}"
