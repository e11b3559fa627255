"""How a tree is, asked from another thread."""

from concurrent.futures import Future
from threading import Lock

from msgspec.structs import replace

from otp.host.condition import Condition, condition_of
from otp.host.loop_watch import LoopWatch
from otp.runtime.tree import Tree

__all__ = ("Look",)

PATIENCE = 1.0
"""Seconds in which the event loop should have answered."""


class Look:
    """Has the tree's event loop look, and does not wait for one that is blocked. Many who ask at once get one answer."""

    def __init__(self, tree: Tree, watch: LoopWatch | None) -> None:
        self._tree = tree
        self._watch = watch
        self._lock = Lock()
        self._asked: Future[Condition] | None = None
        self._last = condition_of(tree)

    def __call__(self) -> Condition:
        """The condition now; with what was last known of the children while the event loop is blocked."""
        if self._watch is not None and self._watch.blocked is not None:
            return replace(self._last, blocked=self._watch.blocked.path)
        try:
            self._last = self._ask().result(PATIENCE)
        except TimeoutError:
            watched = self._watch.blocked if self._watch is not None else None
            return replace(self._last, blocked=watched.path if watched is not None else self._tree.root.machine.path)
        except RuntimeError:  # the loop is closed
            return replace(self._last, phase="ended")
        return self._last

    def _ask(self) -> Future[Condition]:
        with self._lock:
            if self._asked is None or self._asked.done():
                asked = self._asked = Future[Condition]()
                try:
                    self._tree.spawner.soon(lambda: asked.set_result(condition_of(self._tree)))
                except RuntimeError as closed:
                    asked.set_exception(closed)
            return self._asked
