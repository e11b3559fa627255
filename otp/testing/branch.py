"""One living supervisor of a small world, and the living children of it, which are only names."""

from collections import deque
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from otp.core import effects, inputs
from otp.core.child import WAITING, ChildState, Purpose
from otp.core.machine import SupervisorMachine
from otp.core.paths import join
from otp.errors import Hung
from otp.exits import Crashed, Exit, Killed, Normal, Refused, Shutdown
from otp.spec import AnySpec, SupervisorSpec
from otp.testing.happenings import Asks, Crashes, Fails, Gone, Hangs, Happening, Ignores, Late, Returns, Up
from otp.testing.witness import Witness

Machine = Callable[[SupervisorSpec, str], SupervisorMachine]
"""Makes the machine of a supervisor, from its spec and the path above it."""


class Environment:
    """What all supervisors of one world share.

    Attributes:
        machine: makes the machine of a supervisor.
        now: the clock, in seconds.
        down: dependencies that do not answer.
        open: requests without an answer by their token, oldest first.
        exit: how the root ended; None while it has not.
        trace: what the machines want done, as `"start a"`; None: it is not recorded.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.now: float = 0.0
        self.down: frozenset[str] = frozenset()
        self.open: dict[str, Asks] = {}
        self.exit: Exit | None = None
        self.trace: list[str] | None = None


class Worker:
    """A living incarnation of a worker; its attributes are those of `Body`."""

    __slots__ = ("generation", "ordered", "refused", "up")

    def __init__(self, generation: int, *, up: bool) -> None:
        self.generation = generation
        self.up = up
        self.ordered = ""
        self.refused = False

    def can(self, happening: Happening) -> bool:
        """Whether it is in a position for that."""
        match happening:
            case Crashes() | Returns() | Hangs():
                return self.up and not self.ordered
            case Fails():
                return not self.up and not self.ordered
            case Ignores():
                return not self.up and not self.refused
            case _:
                return False


class Branch:
    """A living supervisor, wired as `otp.runtime.supervisor.RunningSupervisor` is, but for counters that go on.

    Attributes:
        path: below the root.
        generation, up, ordered, refused: as in `Body`.
        live: the living incarnation of each child.
        timers: those armed, with their times.
        notes: what comes as late as it likes, with requests in between: that a failed restart is to be tried again, and
            that what a child needs is there.
    """

    def __init__(self, world: Environment, spec: SupervisorSpec, generation: int, parent: "Branch | None") -> None:
        self.world = world
        self.parent = parent
        self.path: str = join(parent.path, spec.id) if parent is not None else ""
        self.machine: SupervisorMachine = world.machine(spec, parent.machine.path if parent is not None else "")
        self.witness = Witness(self.machine)
        self.generation = generation
        self.up = False
        self.ordered = ""
        self.refused = False
        self.done = False
        self.live: dict[str, Worker | Branch] = {}
        self.timers: dict[inputs.Timer, float] = {}
        self.notes: deque[inputs.TryAgain | inputs.Checked | inputs.RestartDue] = deque()
        self._inbox: deque[inputs.Input] = deque()
        self._busy = False

    def walk(self) -> Iterator["Branch"]:
        """It, and the supervisors below it."""
        yield self
        for body in self.live.values():
            if isinstance(body, Branch):
                yield from body.walk()

    def take_note(self) -> None:
        """Tell the machine what the oldest note says; what a child needs is asked only now."""
        note = self.notes.popleft()
        child = self.machine.children.get(note.child)
        if isinstance(note, inputs.Checked) and child is not None:
            note = replace(note, down=tuple(sorted(self.world.down.intersection(child.spec.needs))))
        self.feed(note)

    def release(self) -> None:
        """Something is there again: note that those who are held, and miss nothing any more, are due."""
        for id, child in self.machine.children.items():
            asked = child.failed_with is not None
            if child.state is ChildState.HELD and not asked and not self.world.down.intersection(child.spec.needs):
                self.notes.append(inputs.RestartDue(id, child.generation))

    @property
    def waits_in_its_start(self) -> bool:
        """Whether it is in the first start of the tree and waits for a child that waits, or for one that does so."""
        plan = self.machine.plan
        if plan is None or not plan.patient or plan.awaited is None:
            return False
        body = self.live.get(plan.awaited.spec.id)
        return body.waits_in_its_start if isinstance(body, Branch) else plan.awaited.state in WAITING

    def check_quiet(self) -> None:
        """What holds when nothing goes on by itself, while the tree runs."""
        machine = self.machine
        idle = machine.plan is None or self.done or self.waits_in_its_start
        assert idle, f"{machine.path} is busy for ever"
        if machine.plan is None and not self.done:
            self.witness.check_quiet()

    def due(self, id: str) -> float | None:
        """When the timer of a child fires."""
        return next((at for timer, at in self.timers.items() if timer.child == id), None)

    def feed(self, event: inputs.Input) -> None:
        """Tell the machine, and do what it wants; inputs that come up meanwhile are handled after, in their order."""
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        while self._inbox:
            self.witness.before()
            for effect in self.machine.handle(self._inbox.popleft(), self.world.now):
                self._execute(effect)
            self.witness.after()
        self._busy = False

    def stop(self, *, brutal: bool) -> None:
        """Stop the subtree."""
        self.witness.brutal = self.witness.brutal or brutal
        self.feed(inputs.Stop(Killed() if brutal else Shutdown(), brutal))

    def take(self, id: str, happening: Happening) -> None:
        """Let something happen to a child."""
        if isinstance(happening, Late):
            self._late(id)
            return
        body = self.live[id]
        match happening:
            case Up():
                body.up = True
                self.feed(inputs.Started(id, body.generation, None))
            case Hangs():
                self.feed(inputs.Silent(id, body.generation, Hung(join(self.machine.path, id), 30.0, ())))
            case Ignores():
                self._ended(id, inputs.Ignored(id, body.generation))
            case Returns():
                self._ended(id, self._end(id, Normal()))
            case Gone():
                self._ended(id, self._end(id, Killed() if body.ordered == "kill" else Shutdown()))
            case _:
                self._ended(id, self._end(id, Crashed(RuntimeError(str(happening)))))

    def _late(self, id: str) -> None:
        timer = next(timer for timer in self.timers if timer.child == id)
        self.world.now = self.timers.pop(timer)
        if timer.kind is not inputs.TimerKind.RETRY:
            self.live[id].refused = timer.kind is inputs.TimerKind.KILL
        self.feed(inputs.TimerFired(timer))

    def _end(self, id: str, exit: Exit) -> inputs.Input:
        body = self.live[id]
        return (inputs.Exited if body.up else inputs.StartFailed)(id, body.generation, exit)

    def _ended(self, id: str, event: inputs.Input) -> None:
        """A child has run its last line; so has this supervisor if that was the last of those who had refused."""
        del self.live[id]
        self.feed(event)
        if self.refused and not self.live:
            self._leave(Shutdown())

    def _leave(self, exit: Exit) -> None:
        id = self.machine.spec.id
        if self.parent is not None and self.parent.live.get(id) is self:
            self.parent._ended(id, self.parent._end(id, exit))  # noqa: SLF001 # of its own kind

    # ------------------------------------------------------------------------------------------------ effects

    def _execute(self, effect: effects.Effect) -> None:  # noqa: C901 # one arm an effect
        match effect:
            case effects.Emit(event) | effects.EmitWithChain(event):
                self.witness.saw(event, self.world.now)
            case effects.Start(id, generation, spec):
                self._start(id, generation, spec)
            case effects.Stop(id, generation) | effects.Kill(id, generation):
                self._order("kill" if isinstance(effect, effects.Kill) else "stop", id, generation)
            case effects.SetTimer(timer, at):
                assert self.due(timer.child) is None, f"{timer} beside another of that child"
                self.timers[timer] = at
            case effects.CancelTimer(timer):
                assert timer in self.timers, f"{timer} is cancelled, and is not armed"
                del self.timers[timer]
            case effects.CallFailed(path, failure):
                raise AssertionError(f"{failure.name} failed for {path}: {failure.error!r}")
            case effects.Reply(token, result):
                self._reply(str(token), result)
            case effects.Retry(note):
                self.notes.append(note)
            case effects.Check(id, generation):
                self.notes.append(inputs.Checked(id, generation, ()))  # the answer is that of the moment it is taken
            case effects.Ready():
                self._ready()
            case effects.Done(exit):
                self._done(exit)

    def _note(self, what: str, id: str) -> None:
        if self.world.trace is not None:
            self.world.trace.append(f"{what} {join(self.path, id)}")

    def _start(self, id: str, generation: int, spec: AnySpec) -> None:
        self._note("start", id)
        assert not self.done, f"{id} is started by a supervisor that has ended"
        assert id not in self.live, f"a second incarnation of {id} beside a living one"
        self.witness.starts(id, generation, spec, self.live, self._asked())
        if isinstance(spec, SupervisorSpec):
            branch = self.live[id] = Branch(self.world, spec, generation, self)
            first = self.machine.patient and self.machine.children[id].purpose is Purpose.STARTUP
            branch.feed(inputs.Begin(patient=first))
        else:
            self.live[id] = Worker(generation, up=not spec.ready)

    def _order(self, what: str, id: str, generation: int) -> None:
        self._note(what, id)
        self.witness.orders(what, id, generation, self.live)
        body = self.live[id]
        body.ordered = what
        if isinstance(body, Branch):
            body.stop(brutal=what == "kill")

    def _asked(self) -> dict[str, Asks]:
        return {token: asks for token, asks in self.world.open.items() if asks.of == self.path}

    def _reply(self, token: str, result: object) -> None:
        asked = self.world.open
        assert token in asked, f"a second answer to {token}"
        tokens = list(asked)
        older = frozenset(tokens[: tokens.index(token)])
        self.witness.replied(asked.pop(token), result, older)
        if self.world.trace is not None:
            self.world.trace.append(f"{token}: {type(result).__name__ if isinstance(result, Exception) else 'ok'}")

    def _ready(self) -> None:
        assert not self.up, f"{self.machine.path} is up a second time"
        self.up = True
        if self.parent is not None:
            self.parent.feed(inputs.Started(self.machine.spec.id, self.generation, None))

    def _done(self, exit: Exit) -> None:
        self._note("done:", self.machine.spec.id)
        assert not self.done, f"{self.machine.path} is done a second time"
        self.done = True
        self.witness.done(self.live, self.timers, self._asked())
        if self.parent is None:
            self.world.exit = exit
        elif isinstance(exit, Refused):
            self.refused = True
            self.parent.feed(self.parent._end(self.machine.spec.id, exit))  # noqa: SLF001 # of its own kind
        else:
            self._leave(exit)
