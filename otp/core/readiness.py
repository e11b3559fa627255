"""Live and ready: the one definition, for systemd, the health port and the `otp` command.

A tree is *live* unless restarting the process would help: it is not broken, has not ended, its event loop turns, and no
child has refused to stop. A failing child is not enough: restarting children is the tree's own business.

A tree is *ready* when it is live, all its children have been up, and it is not stopping (a root that gives up stops).
Children that wait for their next try, or stay down, do not make it unready: one worker of many in a short delay must not
take a whole process out of service. The counts say how many they are: "14/15 up, 1 backoff".
"""

from typing import Literal

from msgspec import Struct

from otp.core.child import ChildState

TreePhase = Literal["starting", "up", "stopping", "ended", "broken"]


class Readiness(Struct, frozen=True, kw_only=True):
    """A tree at one moment.

    Attributes:
        phase: of the whole tree; `broken`: the supervision itself has failed.
        states: how many children are in which state, supervisors among them.
        refused: paths of the children that did not end when they were stopped, and still run.
        blocked: the path of the child or supervisor that blocks the event loop, the root if it is unknown; preceded by the name of
            a callback, if one blocks; empty while the loop turns.
    """

    phase: TreePhase
    states: dict[str, int]
    refused: tuple[str, ...] = ()
    blocked: str = ""

    @property
    def live(self) -> bool:
        """Whether restarting the process would not help."""
        return not self.trouble

    @property
    def ready(self) -> bool:
        """Whether the tree is live and has started."""
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
