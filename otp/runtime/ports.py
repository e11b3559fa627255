"""The parts of a running tree as they know each other, so that no module of the runtime imports another in a circle.

    Tree ─has→ Supervisor ─owns→ RunningChild
      └──has→ Timers, Watchdogs, Dependencies ─feed→ Supervisor

What supervises below this module's protocols is replaceable: a worker's task is one `RunningChild`.
"""

from collections.abc import Callable
from typing import Any, Protocol

from otp.core import effects
from otp.core.inputs import Input, Timer
from otp.core.machine import SupervisorMachine
from otp.dependency import Dependency
from otp.exits import Exit
from otp.runtime.beat import Pulse
from otp.runtime.reporter import Reporter
from otp.runtime.spawn import Spawner
from otp.runtime.stack import ChildStack
from otp.watchdog import Watchdog


class RunningChild(Protocol):
    """One incarnation of a worker. Its last act is to call `Supervisor.ended`, however it ends.

    Attributes:
        id: of its spec.
        generation: the number of this incarnation.
        path: from the root; set by `start`.
    """

    id: str
    generation: int
    path: str

    @property
    def begun(self) -> bool:
        """Whether its first line has run."""
        ...

    @property
    def coroutine(self) -> object:
        """What runs in the tree's event loop; None if nothing does: not begun, over, or elsewhere."""
        ...

    def start(self, path: str) -> None:
        """Start it at this path, and return at once."""

    def stop(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it without grace, as far as that can be done."""

    def chain(self) -> tuple[str, ...]:
        """What it waits for, outermost first, as `function (file:line)`."""
        ...

    def stack(self) -> ChildStack:
        """Where it and all that it has started wait."""
        ...


class Supervisor(Protocol):
    """A running supervisor, as its children and the background tasks know it.

    Attributes:
        machine: decides.
        tree: that it belongs to.
        live: the incarnations that run, by child id.
    """

    machine: SupervisorMachine
    tree: "Tree"
    live: dict[str, Any]

    def feed(self, event: Input, /) -> None:
        """Hand an input to the machine, and execute its effects."""

    def ended(self, id: str, child: Any, event: Input, /) -> None:
        """Take note that the incarnation `child` is over, and feed how it ended."""

    def dependency(self, id: str, /) -> tuple[str, Dependency] | None:
        """Return the path and the dependency of the nearest supervisor, this one or above, that declares it; None: none does."""
        ...


class BackgroundTask(Protocol):
    """A task that the tree cannot be without."""

    async def run(self) -> None:
        """Run until cancelled."""


class Timers(BackgroundTask, Protocol):
    """Deadlines of supervisors."""

    def set(self, supervisor: Supervisor, timer: Timer, at: float, /) -> None:
        """Feed `TimerFired(timer)` at this time of the tree's clock."""

    def cancel(self, supervisor: Supervisor, timer: Timer, /) -> None:
        """Forget the timer."""


class Watch(Protocol):
    """The watchdog of one incarnation.

    Attributes:
        pulse: where its signs of life arrive.
    """

    pulse: Pulse

    def begin(self) -> None:
        """Start counting silence: the child is up."""

    def end(self) -> None:
        """Stop: the child has ended, perhaps without having been up."""


class Watchdogs(BackgroundTask, Protocol):
    """Detects silent workers."""

    def watch(self, supervisor: Supervisor, child: RunningChild, watchdog: Watchdog, /) -> Watch:
        """Prepare the watchdog of one incarnation."""
        ...


class Dependencies(BackgroundTask, Protocol):
    """Probes what held children need."""

    def check(self, supervisor: Supervisor, check: effects.Check, /) -> None:
        """Probe, and feed the result."""


class Tree(Protocol):
    """What all supervisors and children of a tree share.

    Attributes:
        spawner: the seam to the event loop.
        now: the clock of the event loop, in seconds.
        reporter: takes events.
        newest: the incarnation that was started last.
        names_contexts: whether `CHILD` is set in the context of children.
        broken: the supervision itself has failed.
    """

    spawner: Spawner
    now: Callable[[], float]
    reporter: Reporter
    timers: Timers
    watchdogs: Watchdogs
    dependencies: Dependencies
    newest: RunningChild | None
    names_contexts: bool
    broken: bool

    def started(self) -> None:
        """The root is up."""

    def ended(self, exit: Exit, /) -> None:
        """The root has ended."""

    def check_gone(self) -> None:
        """Find out whether the last task of a tree that has ended is over."""

    def interrupt(self, interrupt: BaseException, /) -> None:
        """Stop in order, because Ctrl-C or `sys.exit` was raised in a task."""

    def break_down(self, bug: BaseException, /) -> None:
        """End all tasks: the supervision itself has failed."""
