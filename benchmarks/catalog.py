"""Who is measured, and what a restart is to each: a ratio is fair only between systems that do the same work."""

import sys
from enum import StrEnum

from msgspec import Struct

__all__ = ("FLOORS", "OURS", "SCALED", "Kind", "System")


class Kind(StrEnum):
    """What a restart is."""

    FLOOR = "floor"
    """An event loop alone, without supervision."""

    FRESH = "fresh task"
    """A task of its own for each incarnation: nothing of the dead one is left."""

    SAME = "same task"
    """The task calls the child again: its context, cancel state and background work go on."""

    HOOK = "no task"
    """A method is called on an object."""

    THREAD = "thread"
    """A fresh thread, or a call on a pool of them."""

    PROCESS = "BEAM process"
    """A fresh process of Erlang's machine, which has a heap of its own."""


class System(Struct, frozen=True, kw_only=True):
    """One system that is measured.

    Attributes:
        name: as it is shown.
        module: in `benchmarks.systems`, with `.NAME` if the module has several.
        kind: what a restart is.
        backend: asyncio, uvloop or trio.
        environment: the one that it runs in, of those that `python -m benchmarks peers` builds; empty: this one.
        note: what else is different.
    """

    name: str
    module: str
    kind: Kind
    backend: str = "asyncio"
    environment: str = ""
    note: str = ""

    def command(self, measure: str, *options: object) -> list[str] | None:
        """How one run of it is started; None: it is not here."""
        words = ["-m", "benchmarks.systems", measure, self.module, "--backend", self.backend, *map(str, options)]
        return [sys.executable, *words]


def _on_all(name: str, module: str, kind: Kind) -> dict[str, System]:
    backends = ("asyncio", "uvloop", "trio")
    return {b: System(name=f"{name}, {b}", module=module, kind=kind, backend=b) for b in backends}


OURS = _on_all("otp", "ours", Kind.FRESH)
"""Ours, by event loop."""

FLOORS = _on_all("task with a CancelScope", "floors.scope", Kind.FLOOR)
"""The floor that has the shape of ours, by event loop."""

SCALED: tuple[System, ...] = ()
"""The peers that start and stop many children."""
