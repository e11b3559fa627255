"""What a system is that is measured, and what a restart is to it."""

import sys
from enum import StrEnum
from typing import Self

from msgspec import Struct

from benchmarks.rig.environments import interpreter


class Kind(StrEnum):
    """What a restart is, and what that means for the work that is done."""

    means: str

    def __new__(cls, name: str, means: str) -> Self:
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.means = means
        return kind

    FLOOR = "floor", "an event loop alone, without supervision"
    FRESH = "fresh task", "a supervisor starts a task of its own for each incarnation; nothing of the dead one is left"
    BY_HAND = "by hand", "a task without a supervisor that restarts it; the benchmark does, or asks for it"
    SAME = "same task", "the task calls the child again; its context, cancel state and background work go on"
    HOOK = "no task", "a method is called on an object"
    THREAD = "thread", "a fresh thread, or a call on a pool of them"
    PROCESS = "BEAM process", "a fresh process of Erlang's machine, which has a heap of its own"


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
        python = interpreter(self.environment) if self.environment else sys.executable
        if python is None:
            return None
        words = ["-m", "benchmarks.systems", measure, self.module, "--backend", self.backend, *map(str, options)]
        return [str(python), *words]
