"""From the crash of a child to the first line of its next incarnation."""

import argparse
import json
import os
import time

UNLIMITED = 10**9
"""Restarts: the limit itself is never reached."""

PATIENCE = 60.0
"""Seconds after which a run ends with the samples that it has."""


class Restarts:
    """One run. The child calls `enter()` on its first line and `crashing()` on its last, before it raises.

    With the last sample the process prints them and is over: most libraries have no way to stop that is worth waiting for.

    Attributes:
        backend: asyncio, uvloop or trio.
        siblings: idle children to be started beside the one that crashes.
        depth: supervisors that give up with each crash.
        idle: seconds that each incarnation waits before it crashes; 0: one turn of the event loop.
        log: whether the library's own log is on; it goes into a file that nobody reads.
        whole: with the log all that a program of ours has beside it by default.
        period: seconds of the restart window; None: the shortest that the library takes.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.backend: str = options.backend
        self.siblings: int = options.siblings
        self.depth: int = options.depth
        self.idle: float = options.idle
        self.log: bool = options.log != "off"
        self.whole: bool = options.log == "all"
        self.period: float | None = options.period
        self._left: int = options.restarts + options.warm_up
        self._warm_up: int = options.warm_up
        self._samples: list[int] = []
        self._crashed_at = 0
        self._until = time.monotonic() + PATIENCE

    def window(self, shortest: float) -> float:
        """Seconds of the restart window."""
        return shortest if self.period is None else self.period

    def enter(self) -> None:
        """The first line of an incarnation."""
        now = time.perf_counter_ns()
        if self._crashed_at:
            self._samples.append(now - self._crashed_at)
            self._left -= 1
            if self._left <= 0 or (self._left % 64 == 0 and time.monotonic() > self._until):
                self._finish()

    def crashing(self) -> None:
        """The last line of an incarnation."""
        self._crashed_at = time.perf_counter_ns()

    def _finish(self) -> None:
        print(json.dumps({"ns": self._samples[self._warm_up :]}), flush=True)
        os._exit(0)
