"""Ordered work that takes more than one step: stop these, last first, then start those, first first."""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum

from otp import events
from otp.core import effects
from otp.core.child import WAITING, Child, ChildState, Purpose
from otp.core.echo import echo_of
from otp.core.inputs import Exited, Input, RestartNow
from otp.core.intensity import RestartWindow
from otp.core.roster import Roster
from otp.core.strategy import affected
from otp.errors import ChildRefused, NoProc, OTPError, StartError
from otp.events import Cause
from otp.exits import Crashed, Exit, Refused, Shutdown
from otp.spec import Restart, Strategy, SupervisorSpec

__all__ = ("Phase", "Plan", "PlannedRoster", "stopped_early")

# The restart path reads these: through its class a member costs 70 ns on Python 3.11, ten times as much.
_CRASH = Cause.CRASH
_RESTART = Purpose.RESTART

_UNDECIDED = frozenset({ChildState.STARTING, ChildState.STOPPING, ChildState.RESTARTING})
"""A child that a plan waits for will be up, or be down; or what follows its failed start is decided next."""


class Phase(StrEnum):
    """Where a supervisor is in its life."""

    NEW = "new"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    DONE = "done"


class Plan:
    """What a supervisor is busy with, one at a time.

    Attributes:
        to_stop: children still to be stopped, in start order; they are taken from the end.
        to_start: children still to be started, in start order.
        purpose: STARTUP, RESTART or REQUEST; None: the supervisor stops.
        patient: it waits for a child that waits for its next try; all others go on without it.
        awaited: the child whose readiness the plan waits for.
        target: the child whose restart was asked for or whose failure began it; the others are collateral.
        cause: why the target is restarted.
        token: who waits for the end of the plan.
    """

    __slots__ = ("awaited", "cause", "patient", "purpose", "target", "to_start", "to_stop", "token")

    def __init__(
        self,
        purpose: Purpose | None,
        *,
        to_stop: Iterable[Child] = (),
        to_start: Iterable[Child] = (),
        target: Child | None = None,
        cause: Cause = Cause.CRASH,
        token: object = None,
        patient: bool = False,
    ) -> None:
        self.purpose = purpose
        self.patient = patient
        self.to_stop = list(to_stop)
        self.to_start = deque(to_start)
        self.awaited: Child | None = None
        self.target = target
        self.cause = cause
        self.token = token
        for child in self.to_stop:
            child.doomed = True

    def drop(self, child: Child) -> None:
        """Do not start `child` when its turn comes."""
        if child in self.to_start:
            self.to_start.remove(child)

    def is_undecided(self, child: Child) -> bool:
        """Whether the child that the plan waits for has yet to come up or to be left out.

        What a held child needs may still have to be asked; that takes the time of a probe at the most.
        """
        if child.state is ChildState.BACKOFF or child.state is ChildState.HELD:
            return self.patient or child.failed_with is not None
        return child.state in _UNDECIDED


class PlannedRoster(Roster):
    """A roster that restarts and stops several children in their order, one plan at a time.

    Attributes:
        phase: where the supervisor is in its life.
        patient: its start is part of the first start of the tree.
        plan: what it is busy with.
        window: its restarts.
        grouped: whether a restart takes siblings along.
    """

    def __init__(self, spec: SupervisorSpec, path: str) -> None:
        super().__init__(spec, path)
        self.phase = Phase.NEW
        self.patient = True
        self.plan: Plan | None = None
        self.window = RestartWindow(spec.intensity, spec.period)
        self.grouped = spec.strategy is not Strategy.ONE_FOR_ONE
        self._exit: Exit = Shutdown()
        self.refused: list[str] = []
        self.deferred: deque[Input] = deque()

    def restart_one(self, child: Child, cause: Cause, exit: Exit | None, token: object = None) -> None:
        """Start a child that is down again; whoever holds `token` is told when it is up."""
        self._count(child, cause, exit)
        child.token = token
        if self.plan is not None and self.plan.awaited is child and self.plan.purpose is Purpose.STARTUP:
            self.start(child, Purpose.STARTUP)
        else:
            self.start(child, _RESTART if cause is _CRASH else Purpose.REQUEST)

    def restart_group(self, child: Child, cause: Cause, exit: Exit | None, token: object = None) -> None:
        """Stop those that the strategy takes along, last first; then start all of them, first first (S22, S23)."""
        group = affected(self.spec.strategy, self.children, child)
        if cause is Cause.CRASH:
            child.state = ChildState.STOPPED
            self._count(child, cause, exit)
        elif child.state is ChildState.PAUSED:  # it is asked for, so its maintenance does not matter
            child.state = ChildState.STOPPED
        for sibling in group:
            if sibling.state is ChildState.EXITED:  # one credit is enough for both (S26)
                self.overtake(sibling)
            elif sibling.state in WAITING:  # the try that it waits for is this one (S37, S39)
                self.wait_no_more(sibling)
        to_stop = [c for c in group if c.is_up]
        to_start = [c for c in group if c.state is not ChildState.PAUSED]
        purpose = _RESTART if cause is _CRASH else Purpose.REQUEST
        self.plan = Plan(purpose, to_stop=to_stop, to_start=to_start, target=child, cause=cause, token=token)
        self.advance()

    def _count(self, child: Child, cause: Cause, exit: Exit | None) -> None:
        if cause is _CRASH:
            child.crashes += 1
        elif cause is Cause.MANUAL:
            child.manual += 1
        else:
            child.collateral += 1
        if self.heard:
            self.emit(
                events.ChildRestarting(
                    path=child.path,
                    at=self.now,
                    generation=child.generation + 1,
                    cause=cause,
                    exit=exit,
                    used=self.window.used,
                    intensity=self.spec.intensity,
                    period=self.spec.period,
                    verdict=child.verdict if cause is _CRASH else "",
                    streak=child.streak,  # spelled out, and no look into a worker's exit: this is the restart path
                    start_failed=child.failed_start == child.generation,
                    echo_of=echo_of(child.path, exit) if child.guarded else "",
                    paused=child.paused,
                    healthy_after=child.healthy_after,
                )
            )

    def advance(self) -> None:
        """Carry the plan on until it has to wait for a child."""
        plan = self.plan
        if plan is None or self.phase is Phase.DONE or not self._stopped_all(plan):
            return
        if plan.purpose is None:
            self._done()
        elif self._started_all(plan, plan.purpose):
            self.plan = None
            if plan.purpose is Purpose.STARTUP:
                self._startup_done()
            else:
                self._restart_done(plan)

    def _restart_done(self, plan: Plan) -> None:
        target = plan.target
        assert target is not None, "a restart has a target"
        if target.state in (ChildState.STOPPED, ChildState.REFUSED):
            self.tell(plan.token, stopped_early(target))
        else:
            self.give(plan.token, target.value)

    def _stopped_all(self, plan: Plan) -> bool:
        """Stop the next, last first and one at a time (S45); whether none is left."""
        while plan.to_stop:
            child = plan.to_stop[-1]
            if child.doomed:  # else it is down already, or up again by a request that waited for that
                if child.state in (ChildState.RUNNING, ChildState.STARTING):
                    self.stop(child)
                if child.state is ChildState.STOPPING:
                    return False
            plan.to_stop.pop()
        return True

    def _started_all(self, plan: Plan, purpose: Purpose) -> bool:
        """Start the next, waiting for those that say when they are ready; whether none is left."""
        if plan.awaited is not None:
            return False
        while plan.to_start:
            child = plan.to_start.popleft()
            if child.state is ChildState.REFUSED:
                self.begin_stop(Refused(tuple(self.refused)))
                return False
            if self.children.get(child.spec.id) is not child:  # a temporary one, forgotten when it was stopped (S22)
                continue
            if purpose is not Purpose.STARTUP and not (child is plan.target and plan.cause is Cause.CRASH):
                self._count(child, plan.cause if child is plan.target else Cause.COLLATERAL, None)
            self.start(child, purpose)
            if child.state is ChildState.STARTING:
                plan.awaited = child
                return False
        return True

    def awaited_no_more(self, child: Child) -> None:
        """The child is up, or will not come up for now: the plan goes on if it waited for that."""
        plan = self.plan
        if plan is not None and plan.awaited is child and not plan.is_undecided(child):
            plan.awaited = None
            self.advance()

    def go_on_without(self, child: Child) -> None:
        """The next try of the child, which would be one of its group, is off: start those that are down over it."""
        group = affected(self.spec.strategy, self.children, child)
        behind = [each for each in group if each.left_behind and each.state is ChildState.STOPPED]
        if self.plan is not None:  # they follow when that is done
            self.plan.to_start.extend(each for each in behind if each not in self.plan.to_start)
        elif behind:
            self.plan = Plan(Purpose.RESTART, to_start=behind, target=child)
            self.advance()

    def answer_plan(self, result: OTPError | None) -> None:
        """Tell whoever waits for the end of the plan how it went."""
        if self.plan is not None:
            token, self.plan.token = self.plan.token, None
            self.tell(token, result)

    def _startup_done(self) -> None:
        self.phase = Phase.UP
        self.emit(events.SupervisorStarted(path=self.path, at=self.now))
        self.effects.append(effects.Ready())

    def begin_stop(self, exit: Exit) -> None:
        """Stop all children, last first, dynamic ones at once (S45), and end with `exit`. It cannot be undone."""
        if self.phase in (Phase.STOPPING, Phase.DONE):
            return
        self.phase = Phase.STOPPING
        self._exit = exit
        self.emit(events.SupervisorStopping(path=self.path, at=self.now, exit=exit))
        self._refuse_requests()
        children = self.children.values()
        for child in children:
            if child.state in WAITING:
                self.wait_no_more(child)
        self.plan = Plan(None, to_stop=[child for child in children if child.is_up])
        if self.spec.dynamic:
            for child in self.plan.to_stop:
                if child.state in (ChildState.RUNNING, ChildState.STARTING):
                    self.stop(child)
        self.advance()

    def _refuse_requests(self) -> None:
        """Whoever still waits for an answer gets one (S47)."""
        self.answer_plan(NoProc(self.path))
        for child in self.children.values():
            self.answer(child, NoProc(self.path))
            for request in child.take_waiting():
                self.tell(request.token, NoProc(self.path))
        for event in self.deferred:
            if isinstance(event, RestartNow):
                self.tell(event.token, NoProc(self.path))
        for child in tuple(self.children.values()):
            if child.state is ChildState.EXITED:
                self.overtake(child)
        self.deferred.clear()

    def _done(self) -> None:
        self.phase = Phase.DONE
        exit = Refused(tuple(self.refused)) if self.refused else self._exit
        if isinstance(exit, Refused) and not self.refused:  # all have ended after all: a fresh start is possible
            exit = Crashed(ChildRefused(exit.paths))
        self.emit(events.SupervisorExited(path=self.path, at=self.now, exit=exit))
        self.effects.append(effects.Done(exit))

    def kill_all(self, exit: Exit) -> None:
        """End all children that are up without grace, and end with `exit` unless something worse is the reason."""
        if not self._exit.abnormal:
            self._exit = exit
        for child in self.children.values():
            if child.is_up and child.state is not ChildState.REFUSED:
                self.kill(child)

    def defer(self, event: Input) -> None:
        """Handle `event` after the plan at hand."""
        self.deferred.append(event)

    def withdraw(self, child: Child) -> None:
        """Restarts of this child that were asked for and still wait are off: it is to stay down."""
        for event in tuple(self.deferred):
            if isinstance(event, RestartNow) and event.child == child.spec.id:
                self.deferred.remove(event)
                self.tell(event.token, stopped_early(child))

    def overtake(self, child: Child) -> None:
        """The end of this child, of which nothing has been decided yet, is now part of something else: only tell it."""
        event = next(e for e in self.deferred if isinstance(e, Exited) and e.child == child.spec.id)
        self.deferred.remove(event)
        self.emit_exited(child, event.exit, asked=False)
        child.state = ChildState.STOPPED
        if child.spec.restart is Restart.TEMPORARY:
            self.forget(child)


def stopped_early(child: Child) -> StartError:
    """The answer to whoever waited for a start that somebody else stopped."""
    return StartError(child.path, "it was stopped while it was starting")
