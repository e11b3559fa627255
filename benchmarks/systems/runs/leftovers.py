"""What restarts leave behind: memory that only the collector of cycles would find, and how often it ran."""

import argparse
import gc
import json
import os
import sys

from benchmarks.systems.runs.restarts import Restarts


class Leftovers(Restarts):
    """One run: with the collector off, the blocks that so many restarts leave; with it on, how often as many call it."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self._restarts: int = options.restarts
        self._began = options.warm_up
        self._entered = self._blocks = self._collections = 0

    def enter(self) -> None:
        """The first line of an incarnation."""
        self._entered += 1
        if self._entered == self._began:
            gc.collect()
            gc.disable()
            self._blocks = sys.getallocatedblocks()
        elif self._entered == self._began + self._restarts:
            self._blocks = sys.getallocatedblocks() - self._blocks
            gc.collect()
            gc.enable()
            self._collections = _collections()
        elif self._entered == self._began + 2 * self._restarts:
            figures = {"blocks": self._blocks, "collections": _collections() - self._collections}
            print(json.dumps({name: each / self._restarts * 1_000 for name, each in figures.items()}), flush=True)
            os._exit(0)


def _collections() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())
