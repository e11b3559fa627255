"""Plays scenarios on our machines alone: no event loop, no tasks, a clock that is a number.

As in OTP a supervisor has a mailbox here, with what was sent to it "before it could act". The machine itself knows no
mailbox and is never deaf (D4). So what is taken from it, and when, is up to the runner, and there are two ways:

- DEAF: nothing is taken while the supervisor is busy. That is OTP.
- EAGER: ends are taken at once, whatever the supervisor is busy with; only requests wait. That is how our runtime tells
  its machines of ends, and what they defer then. The traces must be the same.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

from otp.core import effects, inputs
from otp.core.child import ChildState
from otp.core.machine import SupervisorMachine
from otp.errors import SpecError
from otp.events import Event, IntensityReached, SupervisorExited
from otp.exits import Crashed, Exit, Killed, Normal, Shutdown
from otp.spec import AnySpec, SupervisorSpec
from tests.conformance import specs
from tests.conformance.deviations import as_told_above
from tests.conformance.erlang import as_started
from tests.conformance.scenario import (
    PHASE,
    CountChildren,
    DeleteChild,
    End,
    GetChildspec,
    Node,
    OnStop,
    Outcome,
    Plan,
    Request,
    RestartChild,
    Scenario,
    StartChild,
    Step,
    Stray,
    TerminateChild,
    Tick,
    Wait,
    WhichChildren,
    Worker,
)
from tests.conformance.trace import Answer, Entry, Snapshot, Told, Trace


class Mailbox(Enum):
    """When a busy supervisor is told what waits for it."""

    DEAF = "deaf"
    EAGER = "eager"


async def _run(_: Worker) -> None:
    """Never called: workers are names here."""


Look = WhichChildren | CountChildren | GetChildspec


class _Look(NamedTuple):
    """A request that reads only; the runtime answers it without its machine."""

    request: Look
    number: int


class _Supervisor:
    """A machine, its living children, and what waits for it."""

    def __init__(self, spec: SupervisorSpec, generation: int, parent: "_Supervisor | None" = None) -> None:
        self.machine = SupervisorMachine(spec, parent.machine.path if parent else "")
        self.id = spec.id
        self.generation = generation
        self.parent = parent
        self.up = False
        self.live: dict[str, _Supervisor | int] = {}
        self.mailbox: deque[inputs.Input | _Look] = deque()

    @property
    def busy(self) -> bool:
        """Whether OTP's supervisor would not look into its mailbox now."""
        between = (ChildState.STARTING, ChildState.STOPPING)
        return self.machine.plan is not None or any(c.state in between for c in self.machine.children.values())


class MachineRunner:
    """One scenario on machines."""

    def __init__(self, scenario: Scenario, mailbox: Mailbox) -> None:
        self.scenario = scenario
        self.mailbox = mailbox
        self.now = PHASE
        self.plans = {plan.worker: deque(plan.outcomes) for plan in scenario.plans}
        self.workers: dict[str, Worker] = {}
        self.supervisors: dict[str, _Supervisor] = {}
        self.soon: deque[tuple[_Supervisor, inputs.Input]] = deque()
        self.timers: dict[tuple[_Supervisor, inputs.Timer], float] = {}
        self.entries: list[Entry] = []
        self.requests: list[Request] = []
        self.answers: dict[int, Answer] = {}

    def play(self) -> Trace:
        """The trace."""
        root = self._spec_of(self.scenario.tree)
        assert isinstance(root, SupervisorSpec)
        top = self._begin(_Supervisor(root, 1))
        trace = [self._told()]
        for step in self.scenario.steps:
            if not self._lives(top):
                return trace
            self._do(step)
            trace.append(self._told())
        if self._lives(top):
            self.soon.append((top, inputs.Stop(Shutdown())))
            trace.append(self._told())
        return trace

    # ------------------------------------------------------------------------------------------------ the steps

    def _do(self, step: Step) -> None:
        match step:
            case Plan(worker, outcomes):
                self.plans[worker] = deque(outcomes)
            case Wait(seconds):
                self.now += seconds
            case Stray(supervisor):
                if (found := self.supervisors.get(supervisor)) is not None:
                    self.soon.append((found, inputs.Exited("nobody", 1, Shutdown())))
                    self._feed_stale(found)
            case Tick(_, actions):
                for action in actions:
                    self._act(action)
            case _:
                self._act(step)

    def _feed_stale(self, supervisor: _Supervisor) -> None:
        """What an older incarnation has to say means nothing."""
        for id, child in supervisor.machine.children.items():
            self.soon.append((supervisor, inputs.Exited(id, child.generation - 1, Crashed(RuntimeError()))))

    def _act(self, action: End | Request) -> None:
        if isinstance(action, End):
            owner = next((s for s in self.supervisors.values() if isinstance(s.live.get(action.worker), int)), None)
            if owner is not None:
                exit = specs.exit_of(action.how)
                self._note("exit", action.worker, specs.reason(exit))
                owner.mailbox.append(inputs.Exited(action.worker, self._take(owner, action.worker), exit))
            return
        number = len(self.requests)
        self.requests.append(action)
        self.answers[number] = "noproc"
        supervisor = self.supervisors.get(action.supervisor)
        if supervisor is not None:
            self._ask(supervisor, action, number)

    def _ask(self, supervisor: _Supervisor, request: Request, number: int) -> None:
        match request:
            case StartChild(_, child):
                spec = self._spec_of(as_started(self.scenario, supervisor.id, child))
                supervisor.mailbox.append(inputs.StartChild(spec, number))
            case TerminateChild(_, child):
                supervisor.mailbox.append(inputs.TerminateChild(child, number))
            case RestartChild(_, child):
                supervisor.mailbox.append(inputs.RestartChild(child, number))
            case DeleteChild(_, child):
                supervisor.mailbox.append(inputs.DeleteChild(child, number))
            case WhichChildren() | CountChildren() | GetChildspec():
                supervisor.mailbox.append(_Look(request, number))

    # ------------------------------------------------------------------------------------------------ the loop

    def _settle(self) -> None:
        """Until nothing is left to do."""
        while True:
            if self.soon:
                supervisor, event = self.soon.popleft()
                self._feed(supervisor, event)
            elif (supervisor := self._ready_to_read()) is not None:
                self._feed(supervisor, supervisor.mailbox.popleft())
            elif self.timers:
                (supervisor, timer), at = min(self.timers.items(), key=lambda armed: armed[1])
                del self.timers[supervisor, timer]
                self.now = max(self.now, at)
                self._feed(supervisor, inputs.TimerFired(timer))
            else:
                return

    def _ready_to_read(self) -> _Supervisor | None:
        for supervisor in self.supervisors.values():
            if supervisor.mailbox:
                waits_for_nobody = isinstance(supervisor.mailbox[0], inputs.Exited) and self.mailbox is Mailbox.EAGER
                if waits_for_nobody or not supervisor.busy:
                    return supervisor
        return None

    def _feed(self, supervisor: _Supervisor, event: "inputs.Input | _Look") -> None:
        if isinstance(event, _Look):
            self.answers[event.number] = self._look(supervisor, event.request)
            return
        if isinstance(event, inputs.StartChild) and not self._may_stand(supervisor, event):
            return
        for effect in supervisor.machine.handle(event, self.now):
            self._execute(supervisor, effect)

    def _may_stand(self, supervisor: _Supervisor, request: inputs.StartChild) -> bool:
        try:
            supervisor.machine.spec.check_child(request.spec)
        except SpecError as error:
            self.answers[request.token] = specs.answer(error, gives_value=False)
            return False
        return True

    def _look(self, supervisor: _Supervisor, request: Look) -> Answer:
        children = supervisor.machine.children
        if isinstance(request, GetChildspec):
            return specs.described(children[request.child].spec) if request.child in children else "not_found"
        if isinstance(request, WhichChildren):
            return specs.which(children)
        counts = specs.counts(children)
        if not supervisor.machine.spec.dynamic:  # OTP does not count who is dead, be that known or not (S55)
            counts[1] -= sum(child.is_up and id not in supervisor.live for id, child in children.items())
        return counts

    # ------------------------------------------------------------------------------------------------ effects

    def _execute(self, supervisor: _Supervisor, effect: effects.Effect) -> None:  # noqa: C901, PLR0912 # one arm an effect
        match effect:
            case effects.Start(id, generation, spec):
                if isinstance(spec, SupervisorSpec):
                    supervisor.live[id] = self._begin(_Supervisor(spec, generation, supervisor))
                else:
                    (self.workers[id],) = spec.args
                    self._start_worker(supervisor, id, generation, ready=spec.ready)
            case effects.Stop(id, _):
                self._stop(supervisor, id)
            case effects.Kill(id, _):
                self._kill(supervisor, id)
            case effects.SetTimer(timer, at):
                self.timers[supervisor, timer] = at
            case effects.CancelTimer(timer):
                del self.timers[supervisor, timer]
            case effects.Emit(event):
                self._emitted(supervisor, event)
            case effects.Reply(token, result):
                self.answers[token] = self._answer(supervisor, token, result)
            case effects.Retry(note):
                supervisor.mailbox.append(note)
            case effects.Ready():
                supervisor.up = True
                if supervisor.parent is not None:
                    self.soon.append((supervisor.parent, inputs.Started(supervisor.id, supervisor.generation, None)))
            case effects.Done(exit):
                self._done(supervisor, exit)

    def _begin(self, supervisor: _Supervisor) -> _Supervisor:
        self._note("begin", supervisor.id)
        self.supervisors[supervisor.id] = supervisor
        self.soon.append((supervisor, inputs.Begin()))
        return supervisor

    def _start_worker(self, supervisor: _Supervisor, id: str, generation: int, *, ready: bool) -> None:
        plan = self.plans.get(id)
        outcome = plan.popleft() if plan else Outcome.OK
        self._note("start", id, outcome)
        match outcome:
            case Outcome.FAIL:
                self.soon.append((supervisor, inputs.StartFailed(id, generation, Crashed(RuntimeError("fail")))))
                return
            case Outcome.IGNORE:
                self.soon.append((supervisor, inputs.Ignored(id, generation)))
                return
            case Outcome.CRASH:
                supervisor.mailbox.append(inputs.Exited(id, generation, Crashed(RuntimeError("crash"))))
            case Outcome.OK:
                supervisor.live[id] = generation
        if ready:
            self.soon.append((supervisor, inputs.Started(id, generation, "up")))

    def _stop(self, supervisor: _Supervisor, id: str) -> None:
        child = supervisor.live.get(id)
        match child:
            case None:  # it ended before that could be known
                note = next(e for e in supervisor.mailbox if isinstance(e, inputs.Exited) and e.child == id)
                supervisor.mailbox.remove(note)
                self.soon.append((supervisor, note))
            case _Supervisor():
                self.soon.append((child, inputs.Stop(Shutdown())))
            case _:
                exit = _EXITS[self.workers[id].on_stop]
                if exit is not None:
                    self._gone(supervisor, id, exit)

    def _kill(self, supervisor: _Supervisor, id: str) -> None:
        child = supervisor.live.get(id)
        if child is None:
            self._stop(supervisor, id)
        elif isinstance(child, _Supervisor):
            self.soon.append((child, inputs.Stop(Killed(), brutal=True)))
        else:
            self._gone(supervisor, id, Killed())

    def _gone(self, supervisor: _Supervisor, id: str, exit: Exit) -> None:
        self._note("exit", id, specs.reason(exit))
        self.soon.append((supervisor, inputs.Exited(id, self._take(supervisor, id), exit)))

    def _take(self, supervisor: _Supervisor, id: str) -> int:
        generation = supervisor.live.pop(id)
        assert isinstance(generation, int)
        return generation

    def _emitted(self, supervisor: _Supervisor, event: Event) -> None:
        match event:
            case IntensityReached(offender=offender):
                self._note("gives_up", supervisor.id, offender.rpartition("/")[2])
            case SupervisorExited(exit=exit) if supervisor.up:
                self._note("exit", supervisor.id, specs.reason_of_supervisor(exit))
            case SupervisorExited():
                self._note("undone", supervisor.id)
            case _:
                pass

    def _answer(self, supervisor: _Supervisor, number: int, result: object) -> Answer:
        request = self.requests[number]
        child = supervisor.machine.children.get(request.child.id if isinstance(request, StartChild) else request.child)
        starts = isinstance(request, StartChild | RestartChild)
        return specs.answer(result, gives_value=starts and (child is None or specs.gives_value(child.spec)))

    def _done(self, supervisor: _Supervisor, exit: Exit) -> None:
        if self.supervisors.get(supervisor.id) is supervisor:
            del self.supervisors[supervisor.id]
        parent = supervisor.parent
        if parent is not None:
            del parent.live[supervisor.id]
            told = inputs.Exited if supervisor.up else inputs.StartFailed
            self.soon.append((parent, told(supervisor.id, supervisor.generation, as_told_above(exit))))

    # ------------------------------------------------------------------------------------------------ the trace

    def _note(self, *entry: str) -> None:
        self.entries.append(entry)

    def _told(self) -> Told:
        self._settle()
        entries, self.entries = self.entries, []
        answers, self.answers = list(self.answers.values()), {}
        return Told(entries, answers, [_snapshot(s) for _, s in sorted(self.supervisors.items())])

    def _lives(self, supervisor: _Supervisor) -> bool:
        return self.supervisors.get(supervisor.id) is supervisor

    def _spec_of(self, node: Node) -> AnySpec:
        return specs.spec(node, _run)


_EXITS = {
    OnStop.OBEY: Shutdown(),
    OnStop.RAISE: Crashed(RuntimeError("crash")),
    OnStop.RETURN: Normal(),
    OnStop.REFUSE: None,
}


def _snapshot(supervisor: _Supervisor) -> Snapshot:
    children = supervisor.machine.children
    return supervisor.id, specs.which(children), specs.counts(children)
