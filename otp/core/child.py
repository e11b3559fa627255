"""What a supervisor's machine knows of one child."""

from enum import StrEnum

from otp.core.inputs import Request, RestartNow, TerminateChild, Timer
from otp.errors import StartError
from otp.spec import AnySpec

__all__ = ("Child", "ChildState", "Purpose")


class ChildState(StrEnum):
    """Where a child is in its life."""

    PENDING = "pending"
    """Not started yet: its turn has not come."""

    STARTING = "starting"
    """Started, not yet ready."""

    RUNNING = "running"
    """Up."""

    STOPPING = "stopping"
    """Asked to stop, not gone yet."""

    EXITED = "exited"
    """It ended while its supervisor was busy with a group; what follows is decided next."""

    RESTARTING = "restarting"
    """Its restart failed and is tried again (S35)."""

    STOPPED = "stopped"
    """Stopped by request or with its group (OTP's `undefined`)."""

    DONE = "done"
    """Ended for good by itself, or ignored (OTP's `undefined`)."""

    REFUSED = "refused"
    """Did not end when it was stopped and killed; it still runs."""


UP = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.STOPPING, ChildState.REFUSED})


class Purpose(StrEnum):
    """What a start is for, which decides what its failure means."""

    STARTUP = "startup"
    """The supervisor starts: a failure undoes the start of all (S13)."""

    RESTART = "restart"
    """A restart: a failure is tried again, at the cost of a credit (S35)."""

    START_CHILD = "start_child"
    """A request: a failure is its answer, and the child is forgotten (S49)."""

    RESTART_CHILD = "restart_child"
    """A request: a failure is its answer, and the child stays down (S51)."""


class Child:
    """One child: its spec, its state and its counters.

    Attributes:
        generation: incarnations so far. What comes from an older one is ignored.
        value: what it gave to `started()`.
        crashes: restarts because it ended by itself.
        manual: restarts that somebody asked for.
        collateral: restarts because of a sibling.
        downtime: seconds between an end and being up again, all together.
        down_since: when it ended; None while it is up or down on request.
        purpose: what its current start is for.
        token: who waits for it to be up.
        timer: the one that is armed for it.
        waiting: requests to be handled when it is gone.
        failure: why its start has failed although it is not gone yet: it took too long.
        doomed: the group restart at hand will stop it.
        revive: it refused a requested restart; start it when it is gone after all.
    """

    __slots__ = (
        "collateral",
        "crashes",
        "doomed",
        "down_since",
        "downtime",
        "failure",
        "generation",
        "manual",
        "path",
        "purpose",
        "revive",
        "spec",
        "state",
        "timer",
        "token",
        "value",
        "waiting",
    )

    def __init__(self, spec: AnySpec, path: str) -> None:
        self.spec = spec
        self.path = path
        self.state = ChildState.PENDING
        self.generation = 0
        self.value: object = None
        self.crashes = 0
        self.manual = 0
        self.collateral = 0
        self.downtime = 0.0
        self.down_since: float | None = None
        self.purpose = Purpose.STARTUP
        self.token: object = None
        self.waiting: list[Request] | None = None
        self.timer: Timer | None = None
        self.failure: StartError | None = None
        self.doomed = False
        self.revive = False

    def inherit(self, predecessor: "Child") -> None:
        """Go on with the counters of the child that had this path before; its end was collateral."""
        self.generation = predecessor.generation
        self.crashes = predecessor.crashes
        self.manual = predecessor.manual
        self.collateral = predecessor.collateral + (predecessor.generation > 0)
        self.downtime = predecessor.downtime
        self.down_since = predecessor.down_since

    @property
    def is_up(self) -> bool:
        """Whether an incarnation exists."""
        return self.state in UP

    @property
    def is_restarting(self) -> bool:
        """Whether a restart is under way that has not come up yet (S36)."""
        trying = self.state is ChildState.STARTING and self.purpose is Purpose.RESTART
        return trying or self.state is ChildState.RESTARTING

    def wait(self, request: Request) -> None:
        """Handle `request` when the child is gone."""
        if self.waiting is None:
            self.waiting = []
        self.waiting.append(request)

    @property
    def is_claimed(self) -> bool:
        """Whether a request that waits decides what follows its end."""
        return any(isinstance(request, TerminateChild | RestartNow) for request in self.waiting or ())

    def take_waiting(self) -> list[Request]:
        """The requests that waited for the child to be gone, oldest first; they wait no longer."""
        waiting, self.waiting = self.waiting, None
        return waiting or []
