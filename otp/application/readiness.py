"""The readiness of a running tree: read in its event loop, or from another thread, even while that loop is blocked."""

from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock

from msgspec.structs import replace

from otp.application.loop_watch import LoopWatch
from otp.core.child import ChildState
from otp.core.plan import Phase
from otp.core.readiness import Readiness, TreePhase
from otp.events import LoopBlocked
from otp.runtime.supervisor import RunningSupervisor
from otp.runtime.tree import Tree

PATIENCE = 1.0
"""Seconds in which the event loop should have answered."""


def readiness_of(tree: Tree) -> Readiness:
    """The readiness of the tree; called in its event loop, which therefore turns."""
    states: Counter[str] = Counter()
    refused: list[str] = []
    _count(tree.root, states, refused)
    return Readiness(phase=_phase(tree), states=dict(sorted(states.items())), refused=tuple(refused))


def _count(supervisor: RunningSupervisor, states: Counter[str], refused: list[str]) -> None:
    for child in supervisor.machine.children.values():
        states[child.state.value] += 1
        below = supervisor.live.get(child.spec.id)
        if isinstance(below, RunningSupervisor):
            _count(below, states, refused)
        elif child.state is ChildState.REFUSED:
            refused.append(child.path)


def _phase(tree: Tree) -> TreePhase:
    if tree.broken:
        return "broken"
    if tree.exit is not None:
        return "ended"
    if tree.root.machine.phase is Phase.STOPPING:
        return "stopping"
    return "up" if tree.up else "starting"


class ReadinessFromThread:
    """Asks the tree's event loop for its readiness, and does not wait for a loop that is blocked.

    Callers that ask at the same time share one answer.
    """

    def __init__(self, tree: Tree, watch: LoopWatch | None) -> None:
        self._tree = tree
        self._watch = watch
        self._lock = Lock()
        self._asked: Future[Readiness] | None = None
        self._last = readiness_of(tree)

    def __call__(self) -> Readiness:
        """The readiness now; called in any thread but the tree's."""
        if self._watch is None or self._watch.blocked is None:
            try:
                self._last = self._ask().result(PATIENCE)
            except TimeoutError:
                return self._while_blocked()
            except RuntimeError:  # the loop is closed
                return replace(self._last, phase="ended")
            return self._last
        return self._while_blocked()

    def _while_blocked(self) -> Readiness:
        """Read the tree from here: a blocked loop changes nothing. Should it turn meanwhile, the last answer is good."""
        with suppress(RuntimeError):
            self._last = readiness_of(self._tree)
        blocked = self._watch.blocked if self._watch is not None else None
        return replace(self._last, blocked=_who(blocked) if blocked is not None else self._tree.root.machine.path)

    def _ask(self) -> Future[Readiness]:
        with self._lock:
            if self._asked is None or self._asked.done():
                asked = self._asked = Future[Readiness]()
                try:
                    self._tree.spawner.soon(lambda: asked.set_result(readiness_of(self._tree)))
                except RuntimeError as closed:
                    asked.set_exception(closed)
            return self._asked


def _who(blocked: LoopBlocked) -> str:
    return f"{blocked.callback} of {blocked.path}" if blocked.callback else blocked.path
