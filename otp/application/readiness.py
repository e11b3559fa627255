"""How a tree is, in the one sense that systemd, the health port and the command line go by.

A tree is *live* unless restarting the process would help: it is not broken, has not ended, its event loop turns, and no
child has refused to stop. A restart is what follows from not being live, so a child that fails is not enough: to restart
children is the tree's own business.

A tree is *ready* when it is live, all its children have been up, and it does not stop (a root that gives up stops).
Children that wait for their next try, or are left down, do not make it unready: one worker of many in a short delay must
not take a whole process out of service. Whoever wants to know reads the counts: "14/15 up, 1 backoff".
"""

from collections import Counter
from typing import Literal

from msgspec import Struct

from otp.core.child import ChildState
from otp.core.plan import Phase
from otp.runtime.supervisor import RunningSupervisor
from otp.runtime.tree import Tree

__all__ = ("Condition", "condition_of")


class Condition(Struct, frozen=True, kw_only=True):
    """A tree at one moment.

    Attributes:
        phase: of the whole tree; `broken`: the supervision itself has failed.
        states: how many children are in which state, supervisors among them.
        refused: paths of the children that did not end when they were stopped, and still run.
        blocked: who blocks the event loop: the path of a child or a supervisor, with the function of the program in front if
            it is one; the root, if it is not known; empty: it turns.
    """

    phase: Literal["starting", "up", "stopping", "ended", "broken"]
    states: dict[str, int]
    refused: tuple[str, ...] = ()
    blocked: str = ""

    @property
    def live(self) -> bool:
        """Whether restarting the process would not help."""
        return not self.trouble

    @property
    def ready(self) -> bool:
        """Whether it does its work, or sees to it that it does again."""
        return self.live and self.phase == "up"

    @property
    def trouble(self) -> str:
        """Why it is not live; empty if it is."""
        if self.blocked:
            return f"{self.blocked} blocks the event loop"
        if self.phase == "broken":
            return "the supervision itself has failed"
        if self.phase == "ended":
            return "the tree has ended"
        return f"refused to stop: {', '.join(self.refused)}" if self.refused else ""

    @property
    def text(self) -> str:
        """The counts: "14/15 up, 1 backoff", with the phase in front unless it is up."""
        up = self.states.get(ChildState.RUNNING, 0)
        others = (f"{number} {state}" for state, number in self.states.items() if state != ChildState.RUNNING)
        counts = ", ".join((f"{up}/{sum(self.states.values())} up", *others))
        return counts if self.phase == "up" else f"{self.phase}: {counts}"


def condition_of(tree: Tree) -> Condition:
    """How the tree is; asked in its event loop, which therefore turns."""
    states: Counter[str] = Counter()
    refused: list[str] = []
    _count(tree.root, states, refused)
    return Condition(phase=_phase(tree), states=dict(sorted(states.items())), refused=tuple(refused))


def _count(supervisor: RunningSupervisor, states: Counter[str], refused: list[str]) -> None:
    for child in supervisor.machine.children.values():
        states[child.state.value] += 1
        below = supervisor.live.get(child.spec.id)
        if isinstance(below, RunningSupervisor):
            _count(below, states, refused)
        elif child.state is ChildState.REFUSED:
            refused.append(child.path)


def _phase(tree: Tree) -> Literal["starting", "up", "stopping", "ended", "broken"]:
    if tree.broken:
        return "broken"
    if tree.exit is not None:
        return "ended"
    if tree.root.machine.phase is Phase.STOPPING:
        return "stopping"
    return "up" if tree.up else "starting"
