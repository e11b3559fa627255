"""A supervisor's machine with simulated children and a simulated clock: no event loop, no tasks, every order of events."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from otp.core import effects, inputs
from otp.core.child import Child, ChildState
from otp.core.machine import SupervisorMachine
from otp.core.recovery import even_dice
from otp.errors import Hung
from otp.events import Event
from otp.exits import Crashed, Exit, Killed, Normal, Shutdown
from otp.foreign.guard import CallFailed
from otp.spec import AnySpec, ChildSpec, SupervisorSpec

E = TypeVar("E")


def stand_in(id: str, **options: Any) -> ChildSpec:
    """The spec of a child that is only a name; `ready=True` unless said otherwise. The options are those of `worker()`."""
    options.setdefault("ready", True)
    return ChildSpec(id=id, run=_never_called, **options)


async def _never_called() -> None:
    raise NotImplementedError


class Asked:
    """A request and what it got; more than one answer to a request fails the test.

    Attributes:
        answered: it has its answer.
        result: the answer; an error is not raised but stands here.
    """

    def __init__(self) -> None:
        self.answered = False
        self.result: object = None

    def give(self, result: object) -> None:
        """Take the answer."""
        assert not self.answered, f"a second answer: {result!r} after {self.result!r}"
        self.answered = True
        self.result = result


class Simulation:
    """Executes what a machine wants, on children that are only names.

    Children are ready as soon as they are started and gone as soon as they are told, unless they stand in one of the
    sets. A second incarnation beside a living one, or a stop for one that does not live, fails the test.

    Attributes:
        machine: the machine.
        now: the clock, in seconds.
        slow: children that become ready when the test says so: `ready()`.
        failing: children that fail to start.
        down: dependencies that are down.
        stubborn: children that are gone when the test says so: `end()`.
        live: the generation of the living incarnation of each child.
        up: the living ones that are ready.
        timers: those armed, with their times.
        trace: what the machine did, as `"start a"`, `"stop a"`, `"kill a"`, `"ready"`, `"done"`.
        events: what it emitted.
        failed_calls: calls into foreign code that failed while it decided.
        exit: how the supervisor ended; None while it has not.
    """

    def __init__(
        self,
        spec: SupervisorSpec,
        *,
        slow: Iterable[str] = (),
        failing: Iterable[str] = (),
        stubborn: Iterable[str] = (),
        down: Iterable[str] = (),
        dice: Callable[[], float] = even_dice,
    ) -> None:
        self.machine = SupervisorMachine(spec, "", dice)
        self.now = 0.0
        self.slow = set(slow)
        self.failing = set(failing)
        self.stubborn = set(stubborn)
        self.down = set(down)
        self.live: dict[str, int] = {}
        self.up: set[str] = set()
        self.timers: dict[inputs.Timer, float] = {}
        self.trace: list[str] = []
        self.events: list[Event] = []
        self.failed_calls: list[CallFailed] = []
        self.exit: Exit | None = None
        self._inbox: deque[inputs.Input] = deque()

    # ------------------------------------------------------------------------------------------------ what happens

    def begin(self, *, patient: bool = True) -> "Simulation":
        """Start the supervisor; `patient`: in the first start of its tree."""
        self.tell(inputs.Begin(patient))
        return self

    def tell(self, event: inputs.Input) -> None:
        """Give the machine an input, and do what it wants until nothing is left to do."""
        self._inbox.append(event)
        while self._inbox:
            for effect in self.machine.handle(self._inbox.popleft(), self.now):
                self._execute(effect)

    def ready(self, id: str, value: object = None) -> None:
        """The child says that it is up."""
        self.up.add(id)
        self.tell(inputs.Started(id, self.live[id], value))

    def fail(self, id: str, error: Exception | None = None) -> None:
        """The child raises before it is ready."""
        self._end(id, Crashed(error or RuntimeError(f"{id} did not start")))

    def ignore(self, id: str) -> None:
        """The child raises `Ignore` before it is ready."""
        self.tell(inputs.Ignored(id, self.live.pop(id)))

    def crash(self, id: str, error: BaseException | None = None) -> None:
        """The child raises."""
        self._end(id, Crashed(error or RuntimeError(f"{id} crashed")))

    def hang(self, id: str, seconds: float = 30.0) -> None:
        """The child, which is up, has given no sign of life for so long."""
        self.tell(inputs.Silent(id, self.live[id], Hung(self.machine.children[id].path, seconds, ("wait (w.py:7)",))))

    def end(self, id: str, exit: Exit | None = None) -> None:
        """The child ends; if nothing else is said, it returns."""
        self._end(id, exit or Normal())

    def tell_end(self, id: str, exit: Exit) -> None:
        """A supervisor below tells how it ended although somebody in it still runs: `Refused`."""
        kind = inputs.Exited if id in self.up else inputs.StartFailed
        self.tell(kind(id, self.live[id], exit))

    def come_back(self, dependency: str) -> None:
        """The dependency is there again: whoever was held for it is due."""
        self.down.discard(dependency)
        for id, child in tuple(self.machine.children.items()):
            if child.state is ChildState.HELD and not self.down.intersection(child.spec.needs):
                self.tell(inputs.RestartDue(id, child.generation))

    def pass_time(self, seconds: float) -> None:
        """Let time pass; timers fire on their way."""
        until = self.now + seconds
        while self.timers and min(self.timers.values()) <= until:
            timer, at = min(self.timers.items(), key=lambda armed: armed[1])
            del self.timers[timer]
            self.now = max(self.now, at)
            self.tell(inputs.TimerFired(timer))
        self.now = until

    # ------------------------------------------------------------------------------------------------ requests

    def start_child(self, spec: AnySpec) -> Asked:
        """As `Supervisor.start_child`."""
        return self._ask(inputs.StartChild(spec, asked := Asked()), asked)

    def terminate_child(self, id: str) -> Asked:
        """As `Supervisor.terminate_child`."""
        return self._ask(inputs.TerminateChild(id, asked := Asked()), asked)

    def restart_child(self, id: str) -> Asked:
        """As `Supervisor.restart_child`."""
        return self._ask(inputs.RestartChild(id, asked := Asked()), asked)

    def delete_child(self, id: str) -> Asked:
        """As `Supervisor.delete_child`."""
        return self._ask(inputs.DeleteChild(id, asked := Asked()), asked)

    def restart(self, id: str) -> Asked:
        """As `Supervisor.restart`."""
        return self._ask(inputs.RestartNow(id, asked := Asked()), asked)

    def pause(self, id: str = "") -> Asked:
        """Put a child under maintenance; empty: all of them, and those that are added."""
        return self._ask(inputs.Pause(id, asked := Asked()), asked)

    def resume(self, id: str = "") -> Asked:
        """End that."""
        return self._ask(inputs.Resume(id, asked := Asked()), asked)

    def reset(self, id: str = "") -> Asked:
        """Forgive a child its failures; empty: all of them, and the restarts in the window."""
        return self._ask(inputs.Reset(id, asked := Asked()), asked)

    def replace(self, spec: AnySpec) -> Asked:
        """As `Supervisor.replace` without a restart."""
        return self._ask(inputs.Replace(spec.id, spec, asked := Asked()), asked)

    def stop(self, exit: Exit | None = None, *, brutal: bool = False) -> None:
        """Stop the supervisor."""
        self.tell(inputs.Stop(exit or Shutdown(), brutal))

    # ------------------------------------------------------------------------------------------------ looking

    def take_trace(self) -> list[str]:
        """The trace since the last call."""
        trace, self.trace = self.trace, []
        return trace

    def child(self, id: str) -> Child:
        """What the machine knows of a child."""
        return self.machine.children[id]

    @property
    def states(self) -> dict[str, str]:
        """The state of each child, in start order."""
        return {id: str(child.state) for id, child in self.machine.children.items()}

    def of(self, kind: type[E]) -> list[E]:
        """The events of one type."""
        return [event for event in self.events if isinstance(event, kind)]

    # ------------------------------------------------------------------------------------------------ effects

    def _ask(self, request: inputs.Request, asked: Asked) -> Asked:
        self.tell(request)
        return asked

    def _end(self, id: str, exit: Exit) -> None:
        self.tell(self._ending(id, exit))

    def _ending(self, id: str, exit: Exit) -> inputs.Exited | inputs.StartFailed:
        generation = self.live.pop(id)
        if id in self.up:
            self.up.remove(id)
            return inputs.Exited(id, generation, exit)
        return inputs.StartFailed(id, generation, exit)

    def _execute(self, effect: effects.Effect) -> None:  # noqa: C901 # one arm an effect
        match effect:
            case effects.Start(id, generation, spec):
                self._start(id, generation, spec)
            case effects.Stop(id, generation):
                self._asked_to_end("stop", id, generation, Shutdown())
            case effects.Kill(id, generation):
                self._asked_to_end("kill", id, generation, Killed())
            case effects.SetTimer(timer, at):
                assert all(armed.child != timer.child for armed in self.timers), f"{timer} beside another of that child"
                self.timers[timer] = at
            case effects.CancelTimer(timer):
                del self.timers[timer]
            case effects.Emit(event) | effects.EmitWithChain(event):
                self.events.append(event)
            case effects.CallFailed(_, failure):
                self.failed_calls.append(failure)
            case effects.Reply(token, result):
                assert isinstance(token, Asked)
                token.give(result)
            case effects.Retry(note):
                self._inbox.append(note)
            case effects.Check(id, generation, needs):
                self._inbox.append(inputs.Checked(id, generation, tuple(n for n in needs if n in self.down)))
            case effects.Ready():
                self.trace.append("ready")
            case effects.Done(exit):
                assert self.exit is None, "done a second time"
                self.trace.append("done")
                self.exit = exit

    def _start(self, id: str, generation: int, spec: AnySpec) -> None:
        assert id not in self.live, f"{id} is started a second time"
        assert self.exit is None, f"{id} is started by a supervisor that has ended"
        self.trace.append(f"start {id}")
        self.live[id] = generation
        if not spec.ready:
            self.up.add(id)
        elif id in self.failing:
            self._inbox.append(self._ending(id, Crashed(RuntimeError(f"{id} did not start"))))
        elif id not in self.slow:
            self.up.add(id)
            self._inbox.append(inputs.Started(id, generation, None))

    def _asked_to_end(self, what: str, id: str, generation: int, exit: Exit) -> None:
        assert self.live.get(id) == generation, f"{what} for {id} {generation}, which does not live"
        self.trace.append(f"{what} {id}")
        if id not in self.stubborn:
            self._inbox.append(self._ending(id, exit))
