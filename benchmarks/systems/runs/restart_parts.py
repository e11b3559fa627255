"""The parts of one restart: from the raise to its end, what is done about it, and the way to the next first line."""

import argparse
import json
import os
import time


class RestartParts:
    """One run. Stamps in this order: `crashing()`, `caught()`, `scheduled()`, and `enter()` of the next incarnation.

    With the last sample the process prints them and is over.

    Attributes:
        backend: asyncio, uvloop or trio.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.backend: str = options.backend
        self._left: int = options.restarts + options.warm_up
        self._warm_up: int = options.warm_up
        self._samples: list[tuple[int, int, int]] = []
        self._crashed_at = self._caught_at = self._scheduled_at = 0

    def enter(self) -> None:
        """The first line of an incarnation."""
        now = time.perf_counter_ns()
        if not self._scheduled_at:
            return
        way = now - self._scheduled_at
        self._samples.append((self._caught_at - self._crashed_at, self._scheduled_at - self._caught_at, way))
        self._left -= 1
        if not self._left:
            names = ("caught", "scheduled", "entered")
            print(
                json.dumps(dict(zip(names, zip(*self._samples[self._warm_up :], strict=True), strict=True))), flush=True
            )
            os._exit(0)

    def crashing(self) -> None:
        """The last line of an incarnation."""
        self._crashed_at = time.perf_counter_ns()

    def caught(self) -> None:
        """Its scope is left, and its exception caught."""
        self._caught_at = time.perf_counter_ns()

    def scheduled(self) -> None:
        """The next one has a task."""
        self._scheduled_at = time.perf_counter_ns()
