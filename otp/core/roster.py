"""The children of one supervisor, and what can be done to one: start it, stop it, kill it if it is late."""

from typing import TypedDict

from otp import events
from otp.core import effects
from otp.core.child import Child, ChildState, Purpose
from otp.core.echo import echo_of
from otp.core.inputs import Request, Timer, TimerKind
from otp.core.paths import join
from otp.errors import OTPError
from otp.exits import Exit
from otp.spec import AnySpec, Restart, SupervisorSpec

KILL_PATIENCE = 0.5
"""Seconds that a killed child has to end; a child that takes longer counts as refused (D7)."""

_INFINITY = float("inf")

# The restart path reads these: through its class a member costs 70 ns on Python 3.11, ten times as much.
_RUNNING = ChildState.RUNNING
_TEMPORARY = Restart.TEMPORARY


_RESTARTS = (Purpose.RESTART, Purpose.REQUEST)


class FailureFacts(TypedDict):
    """What each event about a failure says of the child; see `otp.events`."""

    streak: int
    start_failed: bool
    echo_of: str
    paused: bool
    healthy_after: float


class Roster:
    """The children by id, in start order, and the effects of the step at hand.

    It knows the life of one child, and nothing of strategies, windows and plans.

    Attributes:
        spec: of the supervisor.
        path: of the supervisor, from the root of the tree.
        paused: whether children that are added are under maintenance from the start.
        children: their records by id, in start order.
        now: the time of the current step, in seconds.
        heard: whether hooks are registered; without them the frequent events are not made.
        effects: what the current step wants done, in order.
    """

    def __init__(self, spec: SupervisorSpec, path: str) -> None:
        self.spec = spec
        self.path = join(path, spec.id)
        self.paused = False
        self.children: dict[str, Child] = {child.id: self.new_child(child) for child in spec.children}
        self.now = 0.0
        self.heard = True
        self.effects: list[effects.Effect] = []

    def new_child(self, spec: AnySpec) -> Child:
        """The record of a child that has not been started yet."""
        child = Child(spec, join(self.path, spec.id))
        child.paused = self.paused
        return child

    def forget(self, child: Child) -> None:
        """Drop the record of a child that is down."""
        del self.children[child.spec.id]

    def current(self, id: str, generation: int) -> Child | None:
        """The child, if that is its newest incarnation; None for an older one, whose messages are ignored."""
        child = self.children.get(id)
        return child if child is not None and child.generation == generation else None

    def start(self, child: Child, purpose: Purpose) -> None:
        """Start the next incarnation of a child that is down."""
        spec = child.spec
        child.generation += 1
        child.purpose = purpose
        self.effects.append(effects.Start(spec.id, child.generation, spec))
        if spec.restart is _TEMPORARY:
            child.spec = spec.without_args()  # never started again, so its arguments can be freed (S60)
        if not spec.ready:
            self.up(child, None)
            return
        child.state = ChildState.STARTING
        if spec.start_timeout is not None:
            self.set_timer(child, TimerKind.START, spec.start_timeout)

    def cancel_retry(self, child: Child) -> None:
        """Stop a child that is down from being tried again."""
        self.cancel_timer(child)
        child.state = ChildState.STOPPED
        child.failed_with = None
        child.retry_at = None

    def up(self, child: Child, value: object) -> None:
        """The child is up: complete the request for its start with the value that it gave to `started()`."""
        child.state = _RUNNING
        child.value = value
        child.up_since = self.now
        downtime = None
        if child.down_since is not None:
            downtime = self.now - child.down_since
            child.downtime += downtime
            child.down_since = None
        if self.heard:
            self.emit(
                events.ChildStarted(
                    path=child.path,
                    at=self.now,
                    generation=child.generation,
                    downtime=downtime,
                    recovering=child.purpose in _RESTARTS or 0 < child.failed_start == child.generation - 1,
                    with_supervisor=0 < child.inherited == child.generation - 1,
                    streak=child.streak,
                    healthy_after=child.healthy_after,
                )
            )
        if child.token is not None:
            token, child.token = child.token, None
            self.complete_with(token, value)

    def stop(self, child: Child) -> None:
        """Ask a child that is up to end, and arm the timer after which it is killed (S43)."""
        self.cancel_timer(child)
        grace = child.spec.shutdown
        if grace == "brutal_kill":
            self.kill(child)
            return
        child.state = ChildState.STOPPING
        self.effects.append(effects.Stop(child.spec.id, child.generation))
        if grace != _INFINITY:
            self.set_timer(child, TimerKind.SHUTDOWN, grace)

    def kill(self, child: Child) -> None:
        """Kill a child that is up; one that still runs after `KILL_PATIENCE` has refused (D7)."""
        self.cancel_timer(child)
        child.state = ChildState.STOPPING
        self.effects.append(effects.Kill(child.spec.id, child.generation))
        if not isinstance(child.spec, SupervisorSpec):  # a killed supervisor ends in time, with its refused children
            self.set_timer(child, TimerKind.KILL, KILL_PATIENCE)

    def set_timer(self, child: Child, kind: TimerKind, seconds: float) -> None:
        """Arm the one timer of this child, which fires in so many seconds."""
        child.timer = Timer(child.spec.id, child.generation, kind)
        self.effects.append(effects.SetTimer(child.timer, self.now + seconds))

    def cancel_timer(self, child: Child) -> None:
        """Disarm the timer of this child, if one is armed."""
        if child.timer is not None:
            self.effects.append(effects.CancelTimer(child.timer))
            child.timer = None

    def emit(self, event: events.Event) -> None:
        """Tell the hooks of the tree."""
        self.effects.append(effects.Emit(event))

    def emit_with_chain(self, event: events.ChildLate | events.ChildRefused) -> None:
        """Tell the hooks, with the chain of frames in which the child waits."""
        self.effects.append(effects.EmitWithChain(event))

    def reply(self, request: Request, result: OTPError | None) -> None:
        """Answer a request: None on success, else the error."""
        self.complete(request.token, result)

    def complete(self, token: object, result: OTPError | None) -> None:
        """Complete the request with this token: None on success, else the error."""
        if token is not None:
            self.effects.append(effects.Reply(token, result))

    def complete_with(self, token: object, value: object) -> None:
        """Complete the request with the value that a child gave to `started()`."""
        if token is not None:
            self.effects.append(effects.Reply(token, value, is_value=True))

    def answer_start(self, child: Child, result: OTPError | None) -> None:
        """Complete the request for the start of this child, if there is one, without a value."""
        if child.token is not None:
            token, child.token = child.token, None
            self.complete(token, result)

    def emit_exited(self, child: Child, exit: Exit, *, asked: bool) -> None:
        """Emit that the child has ended and is not restarted because of it.

        Args:
            child: the record.
            exit: how it ended.
            asked: it was asked to end.
        """
        if self.heard:
            self.emit(
                events.ChildExited(
                    path=child.path,
                    at=self.now,
                    generation=child.generation,
                    exit=exit,
                    asked=asked,
                    brutal=child.spec.shutdown == "brutal_kill",
                    **self.failure_facts(child, exit),
                )
            )

    def failure_facts(self, child: Child, exit: Exit | None) -> FailureFacts:
        """Return what the events about a failure have in common."""
        return {
            "streak": child.streak,
            "start_failed": child.has_failed_to_start,
            "echo_of": echo_of(child.path, exit),
            "paused": child.paused,
            "healthy_after": child.healthy_after,
        }
