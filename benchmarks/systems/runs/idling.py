"""What a process does while nothing happens in it: processor time, and who wakes up."""

import argparse
import json
import os
import threading
import time
from pathlib import Path

SETTLE = 1.0  # seconds from the last start until it counts


class Idling:
    """One run: the last child to `enter()` begins it, a thread beside the event loop ends it and prints the figures.

    A task goes to sleep once for each time that it was woken, so the kernel's count of voluntary switches is the count of
    wake-ups. It asks nothing of the event loop, and cannot wake it.

    Attributes:
        backend: asyncio, uvloop or trio.
        count: how many children.
        turns: how often the event loop has come back from waiting; None: it does not tell.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.backend: str = options.backend
        self.count: int = options.children
        self.turns: int | None = None
        self._seconds: float = options.seconds
        self._running = 0

    def turn(self) -> None:
        """The event loop has come back from waiting."""
        self.turns = (self.turns or 0) + 1

    def enter(self) -> None:
        """The first line of a child."""
        self._running += 1
        if self._running == self.count:
            threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        time.sleep(SETTLE)
        used, woken, turns = time.process_time(), _sleeps(), self.turns
        time.sleep(self._seconds)
        used, now = time.process_time() - used, _sleeps()
        main = os.getpid()
        others = now.keys() - {main, threading.get_native_id()}
        figures = {
            "cpu_ms": used * 1e3,
            "loop": now[main] - woken[main],
            "threads": sum(now[thread] - woken.get(thread, 0) for thread in others),
            "turns": None if self.turns is None else self.turns - (turns or 0),
        }
        print(json.dumps(figures), flush=True)
        os._exit(0)


def _sleeps() -> dict[int, int]:
    """Of each thread of this process, how often it went to sleep (Linux)."""
    found = {}
    for thread in Path("/proc/self/task").iterdir():
        status = (thread / "status").read_text()
        found[int(thread.name)] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return found
