"""What a supervisor's machine knows of one child."""

from enum import StrEnum

from otp.core.inputs import Request, RestartNow, TerminateChild, Timer
from otp.core.intensity import RestartWindow
from otp.errors import Hung, StartError
from otp.exits import Exit
from otp.policy import HEALTHY_AFTER, Limited
from otp.spec import AnySpec, Restart, SupervisorSpec

__all__ = ("WAITING", "Child", "ChildState", "Purpose")


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

    BACKOFF = "backoff"
    """It failed, and waits for its delay to be over."""

    HELD = "held"
    """It failed, and something that it needs is down, or is being asked."""

    FAILED = "failed"
    """Parked: its policy says that restarting does not help. Somebody may restart it."""

    PAUSED = "paused"
    """It ended under maintenance; it is started when that is over."""

    REFUSED = "refused"
    """Did not end when it was stopped and killed; it still runs."""


WAITING = frozenset({ChildState.RESTARTING, ChildState.BACKOFF, ChildState.HELD})
"""States of a child that is down and will be tried again by itself."""


UP = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.STOPPING, ChildState.REFUSED})


class Purpose(StrEnum):
    """What a start is for, which decides what its failure means."""

    STARTUP = "startup"
    """The supervisor starts: a failure undoes the start of all (S13)."""

    RESTART = "restart"
    """A restart: a failure is tried again, at the cost of a credit (S35)."""

    REQUEST = "request"
    """A restart by request: a failure is its answer, costs nothing, and is never tried again at once (D5)."""

    START_CHILD = "start_child"
    """A request: a failure is its answer, and the child is forgotten (S49)."""

    RESTART_CHILD = "restart_child"
    """A request: a failure is its answer, and the child stays down (S51), one that is parked stays parked."""


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
        streak: failures in a row, without having been healthy in between.
        up_since: since when it is up; None: it is not.
        retry_at: when it is restarted, while it waits for that.
        verdict: what its last failure was, by its policy.
        failed_with: how it ended, while what it needs is asked.
        failed_start: the generation whose start failed last; 0: none.
        inherited: generations that it had when its supervisor was started again; 0: it is new, or stays down.
        healthy_after: seconds up after which its streak is over.
        paused: it is under maintenance.
        parked: it was `failed` when a `restart_child` began, and is so again if that fails.
        guarded: a failure needs a closer look than its supervisor's window: there is a policy, or needs.
        waiting: requests to be handled when it is gone.
        failure: why it has failed although it is not gone yet: its start took too long, or it hung.
        doomed: the group restart at hand will stop it.
        left_behind: it is down because a child before it in the restart of its group did not start, and is tried again.
        revive: it refused a requested restart; start it when it is gone after all.
    """

    __slots__ = (
        "_budgets",
        "collateral",
        "crashes",
        "doomed",
        "down_since",
        "downtime",
        "failed_start",
        "failed_with",
        "failure",
        "generation",
        "guarded",
        "healthy_after",
        "inherited",
        "left_behind",
        "manual",
        "parked",
        "path",
        "paused",
        "purpose",
        "retry_at",
        "revive",
        "spec",
        "state",
        "streak",
        "timer",
        "token",
        "up_since",
        "value",
        "verdict",
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
        self.failure: StartError | Hung | None = None
        self.doomed = False
        self.left_behind = False
        self.paused = False
        self.parked = False
        self.revive = False
        self.streak = 0
        self.up_since: float | None = None
        self.retry_at: float | None = None
        self.verdict = ""
        self.failed_with: Exit | None = None
        self.failed_start = 0
        self.inherited = 0
        self.guarded = _is_guarded(spec)
        self.healthy_after = _healthy_after(spec)
        self._budgets: dict[str, RestartWindow] | None = None

    def inherit(self, predecessor: "Child") -> None:
        """Go on with the counters of the child that had this path before; its end was collateral."""
        self.generation = predecessor.generation
        self.crashes = predecessor.crashes
        self.manual = predecessor.manual
        set_aside = predecessor.state is ChildState.PAUSED
        self.inherited = 0 if set_aside else predecessor.generation
        self.collateral = predecessor.collateral + (self.inherited > 0)
        self.downtime = predecessor.downtime
        self.down_since = predecessor.down_since
        self.streak = predecessor.streak
        self.paused = predecessor.paused
        if set_aside and self.paused:
            self.state = ChildState.PAUSED
            self.verdict = predecessor.verdict

    def forgive(self) -> None:
        """Forget its failures in a row, and what it has used of the limits of its policy; what was counted stays."""
        self.streak = 0
        self._budgets = None

    def take(self, spec: AnySpec) -> None:
        """Go on with another spec, from the next start on; how the child is stopped and judged goes by it at once."""
        if spec.policy is not self.spec.policy:
            self._budgets = None
        starts_again = spec.restart is not Restart.TEMPORARY or not self.is_up
        self.spec = spec if starts_again else spec.without_args()
        self.guarded = _is_guarded(spec)
        self.healthy_after = _healthy_after(spec)

    def ended(self, now: float) -> None:
        """It is down, by itself or as it was asked to be."""
        self.value = None
        if self.down_since is None:
            self.down_since = now
        if self.up_since is not None:
            if now - self.up_since >= self.healthy_after:  # not by streak_at: a call costs a restart 1 % of its time
                self.streak = 0
            self.up_since = None

    def streak_at(self, now: float) -> int:
        """Failures in a row as they count at the time `now`: none once it has been up for long enough."""
        up = now - self.up_since if self.up_since is not None else 0.0
        return self.streak if up < self.healthy_after else 0

    @property
    def has_failed_to_start(self) -> bool:
        """Whether the start of its newest incarnation failed."""
        return self.failed_start == self.generation

    @property
    def starts_with_supervisor(self) -> bool:
        """Whether its newest incarnation is the first one since its supervisor was started again."""
        return 0 < self.inherited == self.generation - 1

    @property
    def stays_down(self) -> bool:
        """Whether an end of it that calls for a restart leads to none, since it is under maintenance."""
        return self.paused and self.spec.restart is not Restart.TEMPORARY

    def budget(self, verdict: str, limited: Limited) -> RestartWindow:
        """The window of a class of failures that has a limit of its own."""
        if self._budgets is None:
            self._budgets = {}
        if verdict not in self._budgets:
            self._budgets[verdict] = RestartWindow(limited.n, limited.within)
        return self._budgets[verdict]

    @property
    def is_judged(self) -> bool:
        """Whether its failures may lead to something other than a restart at once."""
        return self.spec.policy is not None or bool(self.spec.needs)

    @property
    def is_up(self) -> bool:
        """Whether an incarnation exists."""
        return self.state in UP

    @property
    def is_restarting(self) -> bool:
        """Whether a restart is under way that has not come up yet (S36)."""
        trying = self.state is ChildState.STARTING and self.purpose in (Purpose.RESTART, Purpose.REQUEST)
        return trying or self.state in WAITING

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


def _is_guarded(spec: AnySpec) -> bool:
    return spec.policy is not None or bool(spec.needs) or isinstance(spec, SupervisorSpec)


def _healthy_after(spec: AnySpec) -> float:
    return HEALTHY_AFTER if spec.policy is None else spec.policy.healthy_after
