"""From the crash of the first of a group to the first line of the last of the group's next incarnations."""

import argparse
import json
import os
import time
from collections.abc import Callable


class Groups:
    """One run. Each child calls `enter()` on its first line; the first of them crashes once all are there.

    With the last sample the process prints them and is over.

    Attributes:
        backend: asyncio, uvloop or trio.
        count: how many children, the one that crashes included.
        strategy: one_for_all or rest_for_one.
        complete: all of them are there.
        call: called as soon as they are; the first child waits for that.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.backend: str = options.backend
        self.count: int = options.children
        self.strategy: str = options.strategy
        self.complete = False
        self.call: Callable[[], object] | None = None
        self._running = 0
        self._samples: list[int] = []
        self._warm_up: int = options.warm_up
        self._left: int = options.restarts + options.warm_up
        self._crashed_at = 0

    def enter(self) -> None:
        """The first line of a child."""
        now = time.perf_counter_ns()
        self._running += 1
        if self._running < self.count:
            return
        self.complete = True
        if self._crashed_at:
            self._samples.append(now - self._crashed_at)
            self._left -= 1
            if not self._left:
                self._finish()
        if self.call is not None:
            self.call()

    def crashing(self) -> None:
        """The last line of the first child, before it raises."""
        self._running = 0
        self.complete = False
        self.call = None
        self._crashed_at = time.perf_counter_ns()

    def _finish(self) -> None:
        print(json.dumps({"ns": self._samples[self._warm_up :]}), flush=True)
        os._exit(0)
