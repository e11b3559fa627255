"""The record that a supervisor's machine keeps of one child."""

from enum import StrEnum

from otp.core.inputs import Request, RestartNow, TerminateChild, Timer
from otp.core.intensity import RestartWindow
from otp.errors import Hung, StartError
from otp.exits import Exit
from otp.policy import HEALTHY_AFTER, Limited
from otp.spec import AnySpec, Restart, SupervisorSpec


class ChildState(StrEnum):
    """Where a child is in its life."""

    PENDING = "pending"
    """Not started yet: its turn in the startup has not come."""

    STARTING = "starting"
    """Started, not yet ready."""

    RUNNING = "running"
    """Up."""

    STOPPING = "stopping"
    """Asked to stop; has not ended yet."""

    EXITED = "exited"
    """Ended during a plan; what follows is decided after it."""

    RESTARTING = "restarting"
    """Its restart failed; tried again at once, after the inputs that wait already (S35)."""

    STOPPED = "stopped"
    """Stopped by request or with its group (OTP's `undefined`)."""

    DONE = "done"
    """Ended for good by itself, or ignored (OTP's `undefined`)."""

    BACKOFF = "backoff"
    """Failed; restarted when its delay is over."""

    HELD = "held"
    """Failed while a dependency is down, or being probed."""

    FAILED = "failed"
    """Parked: its policy says that restarting does not help. An operator may restart it."""

    PAUSED = "paused"
    """Ended under maintenance; started when that is over."""

    REFUSED = "refused"
    """Did not end when it was stopped and killed; still runs (D7)."""


WAITING = frozenset({ChildState.RESTARTING, ChildState.BACKOFF, ChildState.HELD})
"""States in which a child is down and will be started again without a request."""


UP = frozenset({ChildState.STARTING, ChildState.RUNNING, ChildState.STOPPING, ChildState.REFUSED})
"""States in which an incarnation exists."""


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
    """One child: six groups of attributes, in one object because there may be many thousands of them.

    Attributes (identity):
        spec: what it is started by next.
        path: from the root of the tree.

    Attributes (life):
        state: where it is; `otp.core.transitions` says what may follow.
        purpose: what its current start is for.
        value: what its incarnation gave to `started()`.
        up_since: when its incarnation came up; None while it is not up.
        timer: the one timer that is armed for it.
        failure: why an incarnation that has not ended yet counts as failed: its start took too long, or it hung.

    Attributes (counters, which outlive an incarnation of the supervisor):
        generation: incarnations so far; what comes from an older one is ignored.
        crashes: restarts because it ended by itself.
        manual: restarts by request.
        collateral: restarts because of a sibling, or along with its supervisor.
        downtime: seconds between an end and being up again, in total.
        down_since: when it ended; None while it is up, or down by request.

    Attributes (recovery):
        guarded: its failures are decided by more than the supervisor's window: it has a policy or needs, or is a
            supervisor.
        streak: failures in a row without having been healthy in between.
        healthy_after: seconds up after which it is healthy.
        verdict: the name of the rule that its last failure matched.
        failed_with: its exit, while its dependencies are probed; else None.
        retry_at: when its delay is over, while it waits for that.
        failed_start: the generation whose start failed last; 0: none.
        inherited: the generation taken over from the previous incarnation of its supervisor; 0: none.
        left_behind: not started, because an earlier sibling failed to start in their group restart and is tried again.

    Attributes (requests in flight):
        token: of the request that is answered when it is up.
        waiting: requests to be handled when it has ended.
        stop_pending: the current plan will stop it.
        parked: it was `failed` when a `restart_child` began, and is so again if that fails.
        revive: it refused during a requested restart; start it if it ends after all.

    Attributes (maintenance):
        paused: it is under maintenance.
    """

    __slots__ = (  # in the groups of the docstring
        *("spec", "path"),
        *("state", "purpose", "value", "up_since", "timer", "failure"),
        *("generation", "crashes", "manual", "collateral", "downtime", "down_since"),
        *(
            "guarded",
            "streak",
            "healthy_after",
            "verdict",
            "failed_with",
            "retry_at",
            "failed_start",
            "inherited",
            "left_behind",
            "_budgets",
        ),
        *("token", "waiting", "stop_pending", "parked", "revive"),
        *("paused",),
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
        self.stop_pending = False
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
        """Continue the predecessor's counters; its end counts as collateral.

        Args:
            predecessor: the child that had this path in the earlier incarnation of the supervisor.
        """
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
        """Reset the streak and the budgets of its policy; the counters of restarts stay."""
        self.streak = 0
        self._budgets = None

    def replace_spec(self, spec: AnySpec) -> None:
        """Use another spec for the next start; stopping and judging failures goes by it at once."""
        if spec.policy is not self.spec.policy:
            self._budgets = None
        starts_again = spec.restart is not Restart.TEMPORARY or not self.is_up
        self.spec = spec if starts_again else spec.without_args()
        self.guarded = _is_guarded(spec)
        self.healthy_after = _healthy_after(spec)

    def ended(self, now: float) -> None:
        """Note that the incarnation has ended, and reset the streak if it was healthy."""
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
        """Whether maintenance keeps it down after an end that would lead to a restart."""
        return self.paused and self.spec.restart is not Restart.TEMPORARY

    def budget(self, verdict: str, limited: Limited) -> RestartWindow:
        """The restart window of a `Limited` rule, made when it is first needed.

        Args:
            verdict: the name of the rule.
            limited: its action.
        """
        if self._budgets is None:
            self._budgets = {}
        if verdict not in self._budgets:
            self._budgets[verdict] = RestartWindow(limited.n, limited.within)
        return self._budgets[verdict]

    @property
    def is_judged(self) -> bool:
        """Whether a policy or needs may lead to something other than a restart at once."""
        return self.spec.policy is not None or bool(self.spec.needs)

    @property
    def is_up(self) -> bool:
        """Whether an incarnation exists, be it starting or stopping."""
        return self.state in UP

    @property
    def is_restarting(self) -> bool:
        """Whether a restart is under way that is not up yet (S36)."""
        trying = self.state is ChildState.STARTING and self.purpose in (Purpose.RESTART, Purpose.REQUEST)
        return trying or self.state in WAITING

    def wait(self, request: Request) -> None:
        """Handle `request` when the child has ended."""
        if self.waiting is None:
            self.waiting = []
        self.waiting.append(request)

    @property
    def is_claimed(self) -> bool:
        """Whether a waiting request, and not its restart type, decides what follows its end."""
        return any(isinstance(request, TerminateChild | RestartNow) for request in self.waiting or ())

    def pop_waiting(self) -> list[Request]:
        """Take the requests that waited for the child to end, oldest first."""
        waiting, self.waiting = self.waiting, None
        return waiting or []


def _is_guarded(spec: AnySpec) -> bool:
    return spec.policy is not None or bool(spec.needs) or isinstance(spec, SupervisorSpec)


def _healthy_after(spec: AnySpec) -> float:
    return HEALTHY_AFTER if spec.policy is None else spec.policy.healthy_after
