"""The supervisor as a machine without I/O: inputs in, effects out.

The numbers S1…S62 are the rules of OTP's supervisor, D1…D8 our deviations from them (docs/semantics.md).

How it stays in order although nothing blocks:

- A one_for_one restart is done at once. Work on a group (the startup, a restart of several, the end) is a `Plan`, one
  at a time, carried on by `advance()` whenever the child that it waits for is gone or up.
- Ends of other children during a plan are deferred and decided after it, in their order (S14, S26), as OTP leaves them
  in the mailbox. Requests are answered meanwhile (D4); one that meets a child on its way down waits until it is gone.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from otp import events
from otp.core import effects, requests
from otp.core.child import Child, ChildState, Purpose
from otp.core.inputs import (
    Begin,
    Checked,
    DeleteChild,
    Exited,
    Ignored,
    Input,
    Pause,
    Replace,
    Request,
    Reset,
    RestartChild,
    RestartDue,
    RestartNow,
    Resume,
    Silent,
    StartChild,
    Started,
    StartFailed,
    Stop,
    TerminateChild,
    TimerFired,
    TimerKind,
    TryAgain,
)
from otp.core.maintenance import maintain
from otp.core.paths import is_within
from otp.core.plan import Phase, Plan, stopped_early
from otp.core.recovery import Recovery
from otp.core.strategy import wants_restart
from otp.errors import ChildRefused, Hung, NoProc, OTPError, StartError, StartTimeout
from otp.exits import Crashed, Exit, Normal, Refused, Shutdown
from otp.spec import AutoShutdown, Restart, SupervisorSpec

__all__ = ("SupervisorMachine",)


# The restart path reads these: through its class a member costs 70 ns on Python 3.11, ten times as much.
_RUNNING = ChildState.RUNNING


class SupervisorMachine(Recovery):
    """One supervisor: its children, its window of restarts, and what it is busy with.

    `handle(input, now)` returns the effects to execute, in order. The machine touches nothing outside itself, and a
    one_for_one restart costs the same among any number of siblings.
    """

    def handle(self, event: Input, now: float) -> list[effects.Effect]:
        """Take one input at the time `now` (seconds, monotonic) and say what is to be done, in this order."""
        self.now = now
        self._HANDLERS[type(event)](self, event)
        while self.deferred and self.plan is None:
            event = self.deferred.popleft()
            self._HANDLERS[type(event)](self, event)
        todo, self.effects = self.effects, []  # kept here, they would keep the dead child's exception
        return todo

    def inherit(self, predecessors: Mapping[str, Child], *, paused: bool = False) -> None:
        """Go on with the generations and counters of the children of an earlier incarnation of this supervisor.

        Args:
            predecessors: they were, by id.
            paused: the supervisor is under maintenance, and with it children that it has never had before.
        """
        self.paused = paused
        for id, child in self.children.items():
            if id in predecessors:
                child.inherit(predecessors[id])
            else:
                child.paused = paused

    # ------------------------------------------------------------------------------------------------ the startup

    def _begin(self, event: Begin) -> None:
        self.phase = Phase.STARTING
        self.patient = event.patient
        to_start = [child for child in self.children.values() if child.state is not ChildState.PAUSED]
        self.plan = Plan(Purpose.STARTUP, to_start=to_start, patient=event.patient)
        self.advance()

    def _started(self, event: Started) -> None:
        child = self.current(event.child, event.generation)
        if child is not None and child.state is ChildState.STARTING:
            self.cancel_timer(child)
            self.up(child, event.value)
            self.awaited_no_more(child)

    def _start_failed(self, event: StartFailed) -> None:
        child = self.current(event.child, event.generation)
        if child is None:
            return
        if child.state is ChildState.STARTING:
            self.cancel_timer(child)
            self._failed_to_start(child, event.exit)
        elif child.is_up:
            self._gone(child, event.exit)

    def _ignored(self, event: Ignored) -> None:
        child = self.current(event.child, event.generation)
        if child is None:
            return
        if child.state is not ChildState.STARTING:
            self._gone(child, Shutdown())
            return
        self.cancel_timer(child)
        child.state = ChildState.DONE
        child.down_since = None
        self.emit(
            events.ChildIgnored(
                path=child.path,
                at=self.now,
                generation=event.generation,
                with_supervisor=child.starts_with_supervisor,
            )
        )
        self.answer(child, None)
        if child.doomed:
            self._settle(child)
            return
        if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:  # S12, S24
            self.forget(child)
        self.awaited_no_more(child)

    def _failed_to_start(self, child: Child, exit: Exit) -> None:
        """What a failed start means depends on what the start was for (S13, S35, S49, S51)."""
        self._tell_start_failed(child, exit)
        child.failed_start = child.generation
        child.state = ChildState.STOPPED
        error = _start_error(child, exit)
        self.answer(child, error)
        if isinstance(exit, Refused):
            child.failure = error
            self._refusal(child, exit.paths)
            return
        if child.purpose is Purpose.START_CHILD:
            self.forget(child)
            self.advance()
        elif child.doomed:  # it only came first: the group restart or the end goes on
            self._settle(child)
        else:
            self._after_failed_start(child, exit, error)
        for request in child.take_waiting():
            self._request(request)

    def _tell_start_failed(self, child: Child, exit: Exit) -> None:
        self.emit(
            events.ChildStartFailed(
                path=child.path,
                at=self.now,
                generation=child.generation,
                exit=exit,
                with_supervisor=child.starts_with_supervisor,
                **self.failure_facts(child, exit),
            )
        )

    def _after_failed_start(self, child: Child, exit: Exit, error: StartError) -> None:
        match child.purpose:
            case Purpose.STARTUP | Purpose.RESTART | Purpose.REQUEST if child.stays_down:
                self._left_down(child, exit, error)
            case Purpose.STARTUP if _is_tried_again(child):
                self.restart_failed(child, exit)
            case Purpose.STARTUP:
                self.begin_stop(Crashed(error))
            case Purpose.RESTART_CHILD:
                self._stays_as_it_was(child)
            case Purpose.REQUEST:
                self._answer_for(child, error)
                self.start_by_request_failed(child, exit)
            case _:  # a restart over a failure
                self._group_begins_anew(child)
                self.restart_failed(child, exit)

    def _left_down(self, child: Child, exit: Exit, error: StartError) -> None:
        """It is under maintenance: what goes on goes on without it, also the restart of its group."""
        if self.plan is not None and self.plan.target is child:
            self.answer_plan(error)
        self.set_aside(child, exit)

    def _stays_as_it_was(self, child: Child) -> None:
        """Down, by request or parked, for which nothing has changed."""
        if child.parked:
            child.state = ChildState.FAILED
        else:
            child.down_since = None
            child.left_behind = False
        self.awaited_no_more(child)

    def _answer_for(self, child: Child, error: OTPError) -> None:
        """Tell whoever waits for the restart of a group that this one of it did not come up; those behind it go on."""
        if self.plan is not None and self.plan.awaited is child:
            self.answer_plan(error)

    def _group_begins_anew(self, child: Child) -> None:
        """As in OTP its next try is one of the group (S39); unless it may come to wait: then the group goes on first."""
        if self.plan is not None and self.plan.awaited is child and not child.is_judged:
            for behind in self.plan.to_start:
                behind.left_behind = True
            self.plan = None

    # ------------------------------------------------------------------------------------------------ ends

    def _exited(self, event: Exited) -> None:
        child = self.current(event.child, event.generation)
        if child is None:
            return
        if child.state is _RUNNING and self.plan is not None and type(event.exit) is not Refused:
            self._exited_meanwhile(child, event)
        elif child.state is _RUNNING or child.state is ChildState.EXITED:
            self._ended(child, event.exit)
        elif child.is_up:
            self._gone(child, event.exit)

    def _exited_meanwhile(self, child: Child, event: Exited) -> None:
        """The child ended by itself while the supervisor is busy with others."""
        child.state = ChildState.EXITED
        child.ended(self.now)
        if child.doomed:  # it only came first: the group restart or the end goes on without a second credit (S26)
            self.emit_exited(child, event.exit, asked=False)
            self._settle(child)
        else:
            self.deferred.append(event)

    def _ended(self, child: Child, exit: Exit) -> None:
        """The child ended by itself and the supervisor is free to decide (S16)."""
        child.ended(self.now)
        if wants_restart(child.spec.restart, exit) and type(exit) is not Refused:
            self.recover(child, exit)
            return
        self.emit_exited(child, exit, asked=False)
        if isinstance(exit, Refused):
            self._refusal(child, exit.paths)
        elif not self.ends_all(child, exit):
            self._ended_for_good(child)

    def _ended_for_good(self, child: Child) -> None:
        child.state = ChildState.DONE
        child.down_since = None
        if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:
            self.forget(child)
        if child.spec.significant and self._auto_shutdown():
            self.begin_stop(Shutdown("auto_shutdown"))

    def _auto_shutdown(self) -> bool:
        """Whether the supervisor ends with a significant child that has just ended for good (S40)."""
        if self.spec.auto_shutdown is AutoShutdown.ANY_SIGNIFICANT:
            return True
        over = (ChildState.STOPPED, ChildState.DONE)  # one that is parked has failed, and nothing has ended well (D3)
        return all(child.state in over for child in self.children.values() if child.spec.significant)

    # ------------------------------------------------------------------------------------------------ a child that hangs

    def _silent(self, event: Silent) -> None:
        """Stop a child that hangs. Only when it is gone has it failed: there is never a second one beside it."""
        child = self.current(event.child, event.generation)
        if child is None or child.state is not _RUNNING or child.doomed:  # doomed: its turn to be stopped comes anyway
            return
        child.failure = error = event.error
        self.emit(
            events.ChildHung(
                path=child.path,
                at=self.now,
                generation=child.generation,
                silent=error.seconds,
                chain=error.chain,
                crash=event.crash,
            )
        )
        self.stop(child)

    def _hung_is_gone(self, child: Child, error: Hung) -> None:
        """From here on it is as if it had raised `error`; requests that met it on its way down come after that."""
        exit = Crashed(error)
        if self.plan is None:
            self._ended(child, exit)
        else:
            self._exited_meanwhile(child, Exited(child.spec.id, child.generation, exit))
        for request in child.take_waiting():
            self._request(request)

    # ------------------------------------------------------------------------------------------------ the end

    def _stop(self, event: Stop) -> None:
        if self.phase is Phase.DONE:
            return
        if event.brutal:
            self.kill_all(event.exit)
        self.begin_stop(event.exit)

    # ------------------------------------------------------------------------------------------------ a child that was to stop

    def _gone(self, child: Child, exit: Exit) -> None:
        """A child that was asked to stop has ended."""
        self.cancel_timer(child)
        if child.state is ChildState.REFUSED:
            self._refused_no_more(child)
        child.ended(self.now)
        failure, child.failure = child.failure, None
        if failure is not None and not child.is_claimed:
            if not isinstance(failure, Hung):
                self._failed_to_start(child, Crashed(failure))
                return
            if self.phase not in (Phase.STOPPING, Phase.DONE):
                self._hung_is_gone(child, failure)
                return
        self.emit_exited(child, exit, asked=True)
        if isinstance(exit, Refused):
            self._refusal(child, exit.paths)
            return
        self._settle(child)

    def _settle(self, child: Child) -> None:
        """A child that was to stop is down: go on with whatever waited for that."""
        child.state = ChildState.STOPPED
        doomed, child.doomed = child.doomed, False
        temporary = child.spec.restart is Restart.TEMPORARY
        if not doomed or temporary:
            self.answer(child, stopped_early(child))
        for request in child.take_waiting():
            self._request(request)
        known = self.children.get(child.spec.id) is child and child.state is ChildState.STOPPED
        if known and (temporary or (self.spec.dynamic and not doomed)):
            self.forget(child)  # S22
        if self.plan is None:
            return
        if doomed:
            self.advance()
        else:
            self.awaited_no_more(child)

    def _timer_fired(self, event: TimerFired) -> None:
        child = self.children.get(event.timer.child)
        if child is None or child.timer != event.timer:  # a moment too late: what it waited for has happened
            return
        child.timer = None
        match event.timer.kind:
            case TimerKind.START:
                if not child.doomed:  # else its turn to be stopped comes anyway
                    child.failure = StartTimeout(child.path, child.spec.start_timeout or 0.0)
                    self.stop(child)
            case TimerKind.SHUTDOWN:
                self._late(child)
                self.kill(child)
            case TimerKind.RETRY:
                self.restart_due(RestartDue(child.spec.id, child.generation))
            case TimerKind.KILL:  # pragma: no branch # there is no other
                self._tell_refused(child)
                self._refusal(child, (child.path,))

    def _late(self, child: Child) -> None:
        """Tell that the child was given time to clean up, and that it is over."""
        grace = child.spec.shutdown
        if grace != "brutal_kill" and grace > 0:
            late = events.ChildLate(path=child.path, at=self.now, generation=child.generation, grace=grace)
            self.emit_with_chain(late)

    def _tell_refused(self, child: Child) -> None:
        facts = self.failure_facts(child, None)
        refused = events.ChildRefused(path=child.path, at=self.now, generation=child.generation, **facts)
        self.emit_with_chain(refused)

    def _refusal(self, child: Child, paths: tuple[str, ...]) -> None:
        """A child still runs and cannot be killed: never start a second beside it (D7).

        A supervisor that needs the place, for a restart, gives up and says who refused. A request only fails; if the
        child ends after all, a restart that was asked for is made up for.
        """
        error = ChildRefused(paths)
        needed = _is_needed(child)
        if child.is_claimed:  # what was asked for decides what follows when it ends after all
            child.failure = None
        child.state = ChildState.REFUSED
        self.refused.extend(paths)
        self.answer(child, error)
        for request in child.take_waiting():
            child.revive = isinstance(request, RestartNow)
            self.tell(request.token, error)
        if self.phase is Phase.STOPPING:
            self.advance()
        elif needed:
            self.answer_plan(error)
            self.begin_stop(Refused(tuple(self.refused)))
        else:
            self._answer_for(child, error)
            self.awaited_no_more(child)

    def _refused_no_more(self, child: Child) -> None:
        """It is late, but it is gone."""
        self.refused = [path for path in self.refused if not is_within(path, child.path)]
        if child.revive:
            child.revive = False
            child.wait(RestartNow(child.spec.id, None))

    def _request(self, event: Request) -> None:
        if self.phase in (Phase.STOPPING, Phase.DONE):
            self.reply(event, NoProc(self.path))
        else:
            requests.ANSWERS[type(event)](self, event)

    _HANDLERS: ClassVar[dict[type[Input], Callable[..., None]]] = {
        Begin: _begin,
        Started: _started,
        StartFailed: _start_failed,
        Ignored: _ignored,
        Exited: _exited,
        Silent: _silent,
        TimerFired: _timer_fired,
        TryAgain: Recovery.try_again,
        Checked: Recovery.checked,
        RestartDue: Recovery.restart_due,
        Stop: _stop,
        StartChild: _request,
        TerminateChild: _request,
        RestartChild: _request,
        DeleteChild: _request,
        RestartNow: _request,
        Pause: maintain,
        Resume: maintain,
        Reset: maintain,
        Replace: _request,
    }


def _is_needed(child: Child) -> bool:
    """Whether the place of a child that refuses to end is needed, for another incarnation of it."""
    if child.doomed:
        return True
    if child.is_claimed or child.stays_down:
        return False
    if isinstance(child.failure, StartError):
        return child.purpose in (Purpose.STARTUP, Purpose.RESTART)
    return child.spec.restart is not Restart.TEMPORARY


def _is_tried_again(child: Child) -> bool:
    """Whether a first start that fails is; of a supervisor the children are, and a temporary child never is."""
    worker = not isinstance(child.spec, SupervisorSpec)
    return worker and child.guarded and child.spec.restart is not Restart.TEMPORARY


def _start_error(child: Child, exit: Exit) -> StartError:
    if not isinstance(exit, Crashed):
        why = "it returned before task_status.started()" if isinstance(exit, Normal) else str(exit)
        return StartError(child.path, why)
    if type(exit.error) is StartTimeout and exit.error.path is child.path:  # ours: a child might raise one too
        return exit.error
    error = StartError(child.path, str(exit))
    error.__cause__ = exit.error
    return error
