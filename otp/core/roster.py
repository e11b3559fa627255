"""The children of one supervisor, and what can be done to one: start it, stop it, see that it is gone in time."""

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

__all__ = ("KILL_PATIENCE", "Roster")

KILL_PATIENCE = 0.5
"""Seconds that a killed child has to be gone; then it has refused (D7)."""

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
        paused: children that are added are under maintenance from the start.
        heard: whether somebody listens; if not, the events that are frequent are not even made.
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
        """The child, if that is its newest incarnation: what comes from an older one means nothing any more."""
        child = self.children.get(id)
        return child if child is not None and child.generation == generation else None

    def start(self, child: Child, purpose: Purpose) -> None:
        """Start the next incarnation of a child that is down."""
        spec = child.spec
        child.generation += 1
        child.purpose = purpose
        self.effects.append(effects.Start(spec.id, child.generation, spec))
        if spec.restart is _TEMPORARY:
            child.spec = spec.without_args()  # it is never started again, so nobody needs them (S60)
        if not spec.ready:
            self.up(child, None)
            return
        child.state = ChildState.STARTING
        if spec.start_timeout is not None:
            self.set_timer(child, TimerKind.START, spec.start_timeout)

    def wait_no_more(self, child: Child) -> None:
        """A child that is down and waits for its next try will not get it."""
        self.cancel_timer(child)
        child.state = ChildState.STOPPED
        child.failed_with = None
        child.retry_at = None

    def up(self, child: Child, value: object) -> None:
        """The child is up, with this value; whoever waits for its start is told."""
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
            self.give(token, value)

    def stop(self, child: Child) -> None:
        """Ask a child that is up to end, and see that it does within its time (S43)."""
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
        """End a child that is up without grace; if it is not gone in time, it has refused (D7)."""
        self.cancel_timer(child)
        child.state = ChildState.STOPPING
        self.effects.append(effects.Kill(child.spec.id, child.generation))
        if not isinstance(child.spec, SupervisorSpec):  # a killed supervisor ends by itself, with those who refuse
            self.set_timer(child, TimerKind.KILL, KILL_PATIENCE)

    def set_timer(self, child: Child, kind: TimerKind, seconds: float) -> None:
        """Arm the one timer of this child."""
        child.timer = Timer(child.spec.id, child.generation, kind)
        self.effects.append(effects.SetTimer(child.timer, self.now + seconds))

    def cancel_timer(self, child: Child) -> None:
        """Disarm it."""
        if child.timer is not None:
            self.effects.append(effects.CancelTimer(child.timer))
            child.timer = None

    def emit(self, event: events.Event) -> None:
        """Tell whoever listens."""
        self.effects.append(effects.Emit(event))

    def emit_with_chain(self, event: events.ChildLate | events.ChildRefused) -> None:
        """The same, with what the child awaits."""
        self.effects.append(effects.EmitWithChain(event))

    def reply(self, request: Request, result: OTPError | None) -> None:
        """Answer a request."""
        self.tell(request.token, result)

    def tell(self, token: object, result: OTPError | None) -> None:
        """Tell whoever holds `token` that it is done, or what is wrong."""
        if token is not None:
            self.effects.append(effects.Reply(token, result))

    def give(self, token: object, value: object) -> None:
        """Give whoever holds `token` the value of a child that is up."""
        if token is not None:
            self.effects.append(effects.Reply(token, value, is_value=True))

    def answer(self, child: Child, result: OTPError | None) -> None:
        """Tell whoever waits for the start of this child that it did not come up."""
        if child.token is not None:
            token, child.token = child.token, None
            self.tell(token, result)

    def emit_exited(self, child: Child, exit: Exit, *, asked: bool) -> None:
        """Tell that the child has ended and is not restarted for that."""
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
