"""A small world: machines wired as a running tree is, children that are only names, and one happening at a time."""

import math
from collections import deque
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from otp.core import effects, inputs
from otp.core.child import WAITING, ChildState, Purpose
from otp.core.machine import SupervisorMachine
from otp.core.paths import id_of, join, parent_of, parts
from otp.errors import Hung
from otp.exits import Crashed, Exit, Killed, Normal, Refused, Shutdown
from otp.spec import AnySpec, SupervisorSpec
from otp.testing.happenings import (
    Asks,
    Back,
    Crashes,
    Down,
    Fails,
    Gone,
    Hangs,
    Happening,
    Ignores,
    Late,
    Passes,
    Raises,
    Returns,
    Stops,
    TriesAgain,
    Up,
)
from otp.testing.witness import Witness

__all__ = ("Branch", "Machine", "Worker", "World")

Machine = Callable[[SupervisorSpec, str], SupervisorMachine]
"""What makes the machine of a supervisor, from its spec and the path above it."""


class Worker:
    """A living incarnation of a worker; its attributes are those of `Body`."""

    __slots__ = ("generation", "refused", "told", "up")

    def __init__(self, generation: int, *, up: bool) -> None:
        self.generation = generation
        self.up = up
        self.told = ""
        self.refused = False

    def can(self, happening: Happening) -> bool:
        """Whether it is in a position for that."""
        match happening:
            case Crashes() | Returns() | Hangs():
                return self.up and not self.told
            case Fails():
                return not self.up and not self.told
            case Ignores():
                return not self.up and not self.refused
            case _:
                return False


class World:
    """The root and what lives below it.

    Attributes:
        now: the clock, in seconds.
        down: dependencies that do not answer.
        open: requests without an answer by their token, oldest first.
        stopped: somebody has stopped the root.
        exit: how the root ended; None while it has not.
        trace: what the machines want done, as `"start a"`; None: nobody wants to know.
    """

    def __init__(self, spec: SupervisorSpec, machine: Machine = SupervisorMachine) -> None:
        self.machine = machine
        self.now = 0.0
        self.down: frozenset[str] = frozenset()
        self.open: dict[str, Asks] = {}
        self._asked: dict[str, int] = {}
        self.stopped = False
        self.exit: Exit | None = None
        self.trace: list[str] | None = None
        self.root = Branch(self, spec, 1, None)

    def begin(self) -> "World":
        """Start the root."""
        self.root.feed(inputs.Begin())
        return self

    def always(self) -> Iterator[Happening]:
        """What may happen now whoever says so or not: children come up, and go when they are told to."""
        for branch in self.branches():
            if branch.notes:
                yield TriesAgain(branch.path)
            for id, body in branch.live.items():
                if isinstance(body, Worker):
                    path = join(branch.path, id)
                    if not body.up and not body.refused:
                        yield Up(path)
                    if body.told:
                        yield Gone(path)
                        yield Raises(path)

    def can(self, happening: Happening) -> bool:  # noqa: PLR0911 # one arm a happening
        """Whether something that happens only when somebody says so may happen now."""
        match happening:
            case Asks(of=path):
                return self.find(path) is not None
            case Passes(seconds):
                return self.now + seconds < self._next_due()
            case Stops():
                return self.exit is None
            case Down(dependency):
                return dependency not in self.down
            case Back(dependency):
                return dependency in self.down
            case Late(path):
                branch, id = self._place(path)
                return branch is not None and branch.due(id) == self._next_due() < math.inf
            case Up() | Gone() | Raises() | TriesAgain():
                return False
            case _:
                branch, id = self._place(happening.child)
                body = branch.live.get(id) if branch is not None else None
                return isinstance(body, Worker) and body.can(happening)

    def take(self, happening: Happening) -> None:
        """Let it happen, and do what the machines want then."""
        match happening:
            case Asks():
                self._ask(happening)
            case Passes(seconds):
                self.now += seconds
            case Stops(brutal):
                self.stopped = True
                self.root.stop(brutal=brutal)
            case Down(dependency):
                self.down |= {dependency}
            case Back(dependency):
                self.down -= {dependency}
                for branch in tuple(self.branches()):
                    branch.release()
            case TriesAgain(path):
                self._living(path).take_note()
            case _:
                self._living(parent_of(happening.child)).take(id_of(happening.child), happening)

    def check(self) -> None:
        """What holds in every state."""
        for branch in self.branches():
            branch.witness.check(branch.live, branch.timers, self.now)

    def check_idle(self) -> None:
        """What holds when nothing is left to happen."""
        starting = any(branch.waits_in_its_start for branch in self.branches())
        assert starting or not self.open, f"never answered: {', '.join(self.open)}"

    def check_quiet(self) -> None:
        """What holds when nothing goes on by itself, while the tree runs."""
        for branch in self.branches():
            branch.check_quiet()

    def branches(self) -> Iterator["Branch"]:
        """The living supervisors, each before those below it."""
        return self.root.walk()

    def find(self, path: str) -> "Branch | None":
        """The supervisor at a path below the root, if it lives."""
        branch = self.root
        for id in parts(path):
            below = branch.live.get(id)
            if not isinstance(below, Branch):
                return None
            branch = below
        return branch

    def _living(self, path: str) -> "Branch":
        branch = self.find(path)
        assert branch is not None, f"{path} does not live"
        return branch

    def _place(self, path: str) -> "tuple[Branch | None, str]":
        return self.find(parent_of(path)), id_of(path)

    def _next_due(self) -> float:
        return min((at for branch in self.branches() for at in branch.timers.values()), default=math.inf)

    def _ask(self, asks: Asks) -> None:
        label = str(asks)
        before = self._asked[label] = self._asked.get(label, -1) + 1
        token = label + " again" * before
        self.open[token] = asks
        self._living(asks.of).feed(replace(asks.request, token=token))


class Branch:
    """A living supervisor, wired as `otp.runtime.supervisor.RunningSupervisor` is, but for counters that go on.

    Attributes:
        path: below the root.
        generation, up, told, refused: as in `Body`.
        live: the living incarnation of each child.
        timers: those armed, with their times.
        notes: what comes as late as it likes, with requests in between: that a failed restart is to be tried again, and
            that what a child needs is there.
    """

    def __init__(self, world: World, spec: SupervisorSpec, generation: int, parent: "Branch | None") -> None:
        self.world = world
        self.parent = parent
        self.path: str = join(parent.path, spec.id) if parent is not None else ""
        self.machine: SupervisorMachine = world.machine(spec, parent.machine.path if parent is not None else "")
        self.witness = Witness(self.machine)
        self.generation = generation
        self.up = False
        self.told = ""
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
                self._ended(id, self._end(id, Killed() if body.told == "kill" else Shutdown()))
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
                self._tell("kill" if isinstance(effect, effects.Kill) else "stop", id, generation)
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

    def _tell(self, what: str, id: str, generation: int) -> None:
        self._note(what, id)
        self.witness.tells(what, id, generation, self.live)
        body = self.live[id]
        body.told = what
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
