"""How a tree is, asked from another thread."""

from concurrent.futures import Future
from contextlib import suppress
from threading import Lock

from msgspec.structs import replace

from otp.application.loop_watch import LoopWatch
from otp.application.readiness import Condition, condition_of
from otp.events import LoopBlocked
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
        """The condition now."""
        if self._watch is None or self._watch.blocked is None:
            try:
                self._last = self._ask().result(PATIENCE)
            except TimeoutError:
                return self._blocked()
            except RuntimeError:  # the loop is closed
                return replace(self._last, phase="ended")
            return self._last
        return self._blocked()

    def _blocked(self) -> Condition:
        """While the loop is blocked, nobody changes what is read here; should it turn, the last answer is good."""
        with suppress(RuntimeError):
            self._last = condition_of(self._tree)
        blocked = self._watch.blocked if self._watch is not None else None
        return replace(self._last, blocked=_who(blocked) if blocked is not None else self._tree.root.machine.path)

    def _ask(self) -> Future[Condition]:
        with self._lock:
            if self._asked is None or self._asked.done():
                asked = self._asked = Future[Condition]()
                try:
                    self._tree.spawner.soon(lambda: asked.set_result(condition_of(self._tree)))
                except RuntimeError as closed:
                    asked.set_exception(closed)
            return self._asked


def _who(blocked: LoopBlocked) -> str:
    return f"{blocked.callback} of {blocked.path}" if blocked.callback else blocked.path
