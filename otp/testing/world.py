"""A small world: machines wired as a running tree is, children that are only names, and one happening at a time."""

import math
from collections.abc import Iterator

from msgspec.structs import replace

from otp.core import inputs
from otp.core.machine import SupervisorMachine
from otp.core.paths import id_of, join, parent_of, parts
from otp.spec import SupervisorSpec
from otp.testing.branch import Branch, Environment, Machine, Worker
from otp.testing.happenings import Asks, Back, Down, Gone, Happening, Late, Passes, Raises, Stops, TriesAgain, Up


class World(Environment):
    """The root, what lives below it, and what may happen to them.

    Attributes:
        root: the supervisor at the root.
        stopped: whether the root was asked to stop.
    """

    def __init__(self, spec: SupervisorSpec, machine: Machine = SupervisorMachine) -> None:
        super().__init__(machine)
        self._asked: dict[str, int] = {}
        self.stopped = False
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
                    if body.ordered:
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

    def branches(self) -> Iterator[Branch]:
        """The living supervisors, each before those below it."""
        return self.root.walk()

    def find(self, path: str) -> Branch | None:
        """The supervisor at a path below the root, if it lives."""
        branch = self.root
        for id in parts(path):
            below = branch.live.get(id)
            if not isinstance(below, Branch):
                return None
            branch = below
        return branch

    def _living(self, path: str) -> Branch:
        branch = self.find(path)
        assert branch is not None, f"{path} does not live"
        return branch

    def _place(self, path: str) -> tuple[Branch | None, str]:
        return self.find(parent_of(path)), id_of(path)

    def _next_due(self) -> float:
        return min((at for branch in self.branches() for at in branch.timers.values()), default=math.inf)

    def _ask(self, asks: Asks) -> None:
        label = str(asks)
        before = self._asked[label] = self._asked.get(label, -1) + 1
        token = label + " again" * before
        self.open[token] = asks
        self._living(asks.of).feed(replace(asks.request, token=token))
