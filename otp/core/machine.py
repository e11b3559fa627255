"""The supervisor as a machine without I/O: inputs in, effects out.

The numbers S1…S62 are the rules of OTP's supervisor, D1…D8 our deviations from them (docs/semantics.md).

No input blocks, so this is how a supervisor keeps order:

- A one_for_one restart is done at once. Work on several children (the startup, a group restart, the stop) is a `Plan`.
  A supervisor has one plan at a time; `advance()` continues it when the child that it waits for has ended or is up.
- Exits of other children during a plan are deferred and decided after it, oldest first (one credit for a group, S14,
  S26), as OTP leaves them in the mailbox.
- Requests are answered during a plan (D4). A request about a child that is stopping waits until the child has ended.

The classes below it are a tower without calls upwards: `Roster` (one child), `PlannedRoster` (several, in order),
`Recovery` (what follows a failure), `Termination` (what follows an end), and the machine (what each input means).
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from otp import events
from otp.core import effects, inputs
from otp.core.child import Child, ChildState, Purpose
from otp.core.maintenance import maintain
from otp.core.plan import Phase, Plan
from otp.core.recovery import Recovery
from otp.core.termination import Termination
from otp.errors import StartTimeout
from otp.exits import Refused, Shutdown
from otp.spec import Restart

# The restart path reads these: through its class a member costs 70 ns on Python 3.11, ten times as much.
_RUNNING = ChildState.RUNNING


class SupervisorMachine(Termination):
    """One supervisor: its children, its window of restarts, and what it is busy with.

    `handle(input, now)` returns the effects to execute, in order. The machine touches nothing outside itself, and a
    one_for_one restart costs the same among any number of siblings.
    """

    def handle(self, event: inputs.Input, now: float) -> list[effects.Effect]:
        """Take one input at the time `now` (seconds, monotonic) and say what is to be done, in this order."""
        self.now = now
        self._HANDLERS[type(event)](self, event)
        while self.deferred and self.plan is None:
            event = self.deferred.popleft()
            self._HANDLERS[type(event)](self, event)
        todo, self.effects = self.effects, []  # a list kept here would keep the dead child's exception
        return todo

    def inherit(self, predecessors: Mapping[str, Child], *, paused: bool = False) -> None:
        """Continue the generations and counters of the children that an earlier incarnation of this supervisor had.

        Args:
            predecessors: the records of those children, by id.
            paused: the supervisor is under maintenance, so children without a predecessor are too.
        """
        self.paused = paused
        for id, child in self.children.items():
            if id in predecessors:
                child.inherit(predecessors[id])
            else:
                child.paused = paused

    # ------------------------------------------------------------------------------------------------ the startup

    def _begin(self, event: inputs.Begin) -> None:
        self.phase = Phase.STARTING
        self.patient = event.patient
        to_start = [child for child in self.children.values() if child.state is not ChildState.PAUSED]
        self.plan = Plan(Purpose.STARTUP, to_start=to_start, patient=event.patient)
        self.advance()

    def _started(self, event: inputs.Started) -> None:
        child = self.current(event.child, event.generation)
        if child is not None and child.state is ChildState.STARTING:
            self.cancel_timer(child)
            self.up(child, event.value)
            self.awaited_no_more(child)

    def _start_failed(self, event: inputs.StartFailed) -> None:
        child = self.current(event.child, event.generation)
        if child is None:
            return
        if child.state is ChildState.STARTING:
            self.cancel_timer(child)
            self.failed_to_start(child, event.exit)
        elif child.is_up:
            self.gone(child, event.exit)

    def _ignored(self, event: inputs.Ignored) -> None:
        child = self.current(event.child, event.generation)
        if child is None:
            return
        if child.state is not ChildState.STARTING:
            self.gone(child, Shutdown())
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
        self.answer_start(child, None)
        if child.stop_pending:
            self.stopped(child)
            return
        if self.spec.dynamic or child.spec.restart is Restart.TEMPORARY:  # S12, S24
            self.forget(child)
        self.awaited_no_more(child)

    # ------------------------------------------------------------------------------------------------ ends

    def _exited(self, event: inputs.Exited) -> None:
        child = self.current(event.child, event.generation)
        if child is None:
            return
        if child.state is _RUNNING and self.plan is not None and type(event.exit) is not Refused:
            self.ended_during_plan(child, event)
        elif child.state is _RUNNING or child.state is ChildState.EXITED:
            self.ended(child, event.exit)
        elif child.is_up:
            self.gone(child, event.exit)

    # ------------------------------------------------------------------------------------------------ a child that hangs

    def _silent(self, event: inputs.Silent) -> None:
        """Stop a child that hangs. It counts as failed once it has ended, so no second one runs beside it."""
        child = self.current(event.child, event.generation)
        if child is None or child.state is not _RUNNING or child.stop_pending:  # the current plan will stop it
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

    # ------------------------------------------------------------------------------------------------ the end

    def _stop(self, event: inputs.Stop) -> None:
        if self.phase is Phase.DONE:
            return
        if event.brutal:
            self.kill_all(event.exit)
        self.begin_stop(event.exit)

    # ------------------------------------------------------------------------------------------------ timers

    def _timer_fired(self, event: inputs.TimerFired) -> None:
        child = self.children.get(event.timer.child)
        if child is None or child.timer != event.timer:  # disarmed or replaced while it was firing
            return
        child.timer = None
        match event.timer.kind:
            case inputs.TimerKind.START:
                if not child.stop_pending:  # else the current plan will stop it
                    child.failure = StartTimeout(child.path, child.spec.start_timeout or 0.0)
                    self.stop(child)
            case inputs.TimerKind.SHUTDOWN:
                self._late(child)
                self.kill(child)
            case inputs.TimerKind.RETRY:
                self.restart_due(inputs.RestartDue(child.spec.id, child.generation))
            case inputs.TimerKind.KILL:  # pragma: no branch # the last kind
                self._emit_refused(child)
                self.refuses_to_end(child, (child.path,))

    def _late(self, child: Child) -> None:
        """Emit that the child has used up its time to clean up, if it was given any."""
        grace = child.spec.shutdown
        if grace != "brutal_kill" and grace > 0:
            late = events.ChildLate(path=child.path, at=self.now, generation=child.generation, grace=grace)
            self.emit_with_chain(late)

    def _emit_refused(self, child: Child) -> None:
        facts = self.failure_facts(child, None)
        refused = events.ChildRefused(path=child.path, at=self.now, generation=child.generation, **facts)
        self.emit_with_chain(refused)

    _HANDLERS: ClassVar[dict[type[inputs.Input], Callable[..., None]]] = {
        inputs.Begin: _begin,
        inputs.Started: _started,
        inputs.StartFailed: _start_failed,
        inputs.Ignored: _ignored,
        inputs.Exited: _exited,
        inputs.Silent: _silent,
        inputs.TimerFired: _timer_fired,
        inputs.TryAgain: Recovery.try_again,
        inputs.Checked: Recovery.checked,
        inputs.RestartDue: Recovery.restart_due,
        inputs.Stop: _stop,
        inputs.StartChild: Termination.request,
        inputs.TerminateChild: Termination.request,
        inputs.RestartChild: Termination.request,
        inputs.DeleteChild: Termination.request,
        inputs.RestartNow: Termination.request,
        inputs.Pause: maintain,
        inputs.Resume: maintain,
        inputs.Reset: maintain,
        inputs.Replace: Termination.request,
    }
