"""Work on several children in order, over several steps: stop some, last first, then start some, first first."""

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
from otp.core.strategy import taken_along
from otp.errors import ChildRefused, NoProc, OTPError, StartError
from otp.events import Cause
from otp.exits import Crashed, Exit, Refused, Shutdown
from otp.spec import Restart, Strategy, SupervisorSpec

# The restart path reads these: through its class a member costs 70 ns on Python 3.11, ten times as much.
_CRASH = Cause.CRASH
_RESTART = Purpose.RESTART

_UNDECIDED = frozenset({ChildState.STARTING, ChildState.STOPPING, ChildState.RESTARTING})
"""States of an awaited child that is not yet up nor down, or whose failed start is decided next."""


class Phase(StrEnum):
    """Where a supervisor is in its life."""

    NEW = "new"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    DONE = "done"


class Plan:
    """Children to stop and children to start. A supervisor has one plan at a time.

    Attributes:
        to_stop: children still to be stopped, in start order; the last is stopped first.
        to_start: children still to be started, in start order.
        purpose: STARTUP, RESTART or REQUEST; None for the stop of the supervisor.
        patient: whether it waits for a child whose restart is delayed or held; if not, it goes on without the child.
        awaited: the child whose readiness the plan waits for.
        target: the child whose restart was asked for or whose failure began it; the others are collateral.
        cause: why the target is restarted.
        token: of the request that is completed when the plan ends.
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
            child.stop_pending = True

    def drop(self, child: Child) -> None:
        """Do not start `child` when its turn comes."""
        if child in self.to_start:
            self.to_start.remove(child)

    def is_undecided(self, child: Child) -> bool:
        """Whether the plan still has to wait for this child.

        It waits for a held child until its dependencies are probed, which takes one probe's time-out at the most.
        """
        if child.state is ChildState.BACKOFF or child.state is ChildState.HELD:
            return self.patient or child.failed_with is not None
        return child.state in _UNDECIDED


class PlannedRoster(Roster):
    """A roster that restarts and stops several children in their order, one plan at a time.

    Attributes:
        phase: where the supervisor is in its life.
        patient: whether its start is part of the first start of the tree.
        plan: the current plan; None: no plan is at work.
        window: the stamps of its restarts.
        grouped: whether its strategy takes siblings along.
        refused: paths of the children below that refused to end and still run.
        deferred: inputs to be handled after the current plan.
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
        """Start a child that is down, alone.

        Args:
            child: the one to restart.
            cause: why.
            exit: how it ended; None if that has been emitted.
            token: of the request to complete when it is up.
        """
        self._count(child, cause, exit)
        child.token = token
        if self.plan is not None and self.plan.awaited is child and self.plan.purpose is Purpose.STARTUP:
            self.start(child, Purpose.STARTUP)
        else:
            self.start(child, _RESTART if cause is _CRASH else Purpose.REQUEST)

    def restart_group(self, child: Child, cause: Cause, exit: Exit | None, token: object = None) -> None:
        """Stop the children that the strategy takes along, last first, then start them, first first (S22, S23).

        Args:
            child: the one that is restarted.
            cause: why.
            exit: how it ended; None if that has been emitted.
            token: of the request to complete when all are up.
        """
        group = taken_along(self.spec.strategy, self.children.values(), child)
        if cause is Cause.CRASH:
            child.state = ChildState.STOPPED
            self._count(child, cause, exit)
        elif child.state is ChildState.PAUSED:  # a request restarts it also under maintenance
            child.state = ChildState.STOPPED
        for sibling in group:
            if sibling.state is ChildState.EXITED:  # one credit for the whole group (S26)
                self.overtake(sibling)
            elif sibling.state in WAITING:  # this restart is the try that it waits for (S37, S39)
                self.cancel_retry(sibling)
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
        """Continue the plan until it has to wait for a child."""
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
            self.complete(plan.token, stopped_early(target))
        else:
            self.complete_with(plan.token, target.value)

    def _stopped_all(self, plan: Plan) -> bool:
        """Stop the next, last first and one at a time (S45); whether none is left."""
        while plan.to_stop:
            child = plan.to_stop[-1]
            if child.stop_pending:  # else down already, or started anew by a request that waited for its end
                if child.state in (ChildState.RUNNING, ChildState.STARTING):
                    self.stop(child)
                if child.state is ChildState.STOPPING:
                    return False
            plan.to_stop.pop()
        return True

    def _started_all(self, plan: Plan, purpose: Purpose) -> bool:
        """Start the next, up to one that is yet to become ready; whether none is left."""
        if plan.awaited is not None:
            return False
        while plan.to_start:
            child = plan.to_start.popleft()
            if child.state is ChildState.REFUSED:
                self.begin_stop(Refused(tuple(self.refused)))
                return False
            if self.children.get(child.spec.id) is not child:  # a temporary child, forgotten when it was stopped (S22)
                continue
            if purpose is not Purpose.STARTUP and not (child is plan.target and plan.cause is Cause.CRASH):
                self._count(child, plan.cause if child is plan.target else Cause.COLLATERAL, None)
            self.start(child, purpose)
            if child.state is ChildState.STARTING:
                plan.awaited = child
                return False
        return True

    def awaited_no_more(self, child: Child) -> None:
        """The child is up, or stays down for now: continue the plan if it waits for this child."""
        plan = self.plan
        if plan is not None and plan.awaited is child and not plan.is_undecided(child):
            plan.awaited = None
            self.advance()

    def go_on_without(self, child: Child) -> None:
        """The retry that would have restarted the group is cancelled: start the siblings that are `left_behind`."""
        group = taken_along(self.spec.strategy, self.children.values(), child)
        behind = [each for each in group if each.left_behind and each.state is ChildState.STOPPED]
        if self.plan is not None:  # start them at its end
            self.plan.to_start.extend(each for each in behind if each not in self.plan.to_start)
        elif behind:
            self.plan = Plan(Purpose.RESTART, to_start=behind, target=child)
            self.advance()

    def answer_plan(self, result: OTPError | None) -> None:
        """Complete the request that waits for the end of the plan: None on success, else the error."""
        if self.plan is not None:
            token, self.plan.token = self.plan.token, None
            self.complete(token, result)

    def _startup_done(self) -> None:
        self.phase = Phase.UP
        self.emit(events.SupervisorStarted(path=self.path, at=self.now))
        self.effects.append(effects.Ready())

    def begin_stop(self, exit: Exit) -> None:
        """Stop all children, last first, dynamic ones all at once (S45), then end with `exit`. It cannot be undone."""
        if self.phase in (Phase.STOPPING, Phase.DONE):
            return
        self.phase = Phase.STOPPING
        self._exit = exit
        self.emit(events.SupervisorStopping(path=self.path, at=self.now, exit=exit))
        self._refuse_requests()
        children = self.children.values()
        for child in children:
            if child.state in WAITING:
                self.cancel_retry(child)
        self.plan = Plan(None, to_stop=[child for child in children if child.is_up])
        if self.spec.dynamic:
            for child in self.plan.to_stop:
                if child.state in (ChildState.RUNNING, ChildState.STARTING):
                    self.stop(child)
        self.advance()

    def _refuse_requests(self) -> None:
        """Answer all open requests with `NoProc` (S47)."""
        self.answer_plan(NoProc(self.path))
        for child in self.children.values():
            self.answer_start(child, NoProc(self.path))
            for request in child.pop_waiting():
                self.complete(request.token, NoProc(self.path))
        for event in self.deferred:
            if isinstance(event, RestartNow):
                self.complete(event.token, NoProc(self.path))
        for child in tuple(self.children.values()):
            if child.state is ChildState.EXITED:
                self.overtake(child)
        self.deferred.clear()

    def _done(self) -> None:
        self.phase = Phase.DONE
        exit = Refused(tuple(self.refused)) if self.refused else self._exit
        if isinstance(exit, Refused) and not self.refused:  # all have ended after all: a restart is possible
            exit = Crashed(ChildRefused(exit.paths))
        self.emit(events.SupervisorExited(path=self.path, at=self.now, exit=exit))
        self.effects.append(effects.Done(exit))

    def kill_all(self, exit: Exit) -> None:
        """Kill all children that are up, and end with `exit` unless an abnormal exit is noted already."""
        if not self._exit.abnormal:
            self._exit = exit
        for child in self.children.values():
            if child.is_up and child.state is not ChildState.REFUSED:
                self.kill(child)

    def defer(self, event: Input) -> None:
        """Handle `event` after the current plan."""
        self.deferred.append(event)

    def cancel_deferred_restarts(self, child: Child) -> None:
        """Refuse the deferred requests to restart this child, which is to stay down."""
        for event in tuple(self.deferred):
            if isinstance(event, RestartNow) and event.child == child.spec.id:
                self.deferred.remove(event)
                self.complete(event.token, stopped_early(child))

    def overtake(self, child: Child) -> None:
        """Emit the deferred exit of this child; the group restart or the stop at hand decides instead of it."""
        event = next(e for e in self.deferred if isinstance(e, Exited) and e.child == child.spec.id)
        self.deferred.remove(event)
        self.emit_exited(child, event.exit, asked=False)
        child.state = ChildState.STOPPED
        if child.spec.restart is Restart.TEMPORARY:
            self.forget(child)


def stopped_early(child: Child) -> StartError:
    """The answer to a request for a start that another request or a plan stopped."""
    return StartError(child.path, "it was stopped while it was starting")
