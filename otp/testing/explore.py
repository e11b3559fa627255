"""Every interleaving: a small tree, a few things that may happen to it, and all orders in which they can.

    explore(
        supervisor("root", children=[stand_in("a"), stand_in("b")], strategy=Strategy.ONE_FOR_ALL),
        [Crashes("a"), Fails("b"), Asks(TerminateChild("b", None)), Stops()],
    )

No event loop and no clock are needed: the machines of the tree are told one thing after the other. What is given may
happen once each, when a child is in a position for it, or not at all. Between any two of them a child may say that it
is up or end as it was told to, and a failed restart is tried again. When nothing else is left the tree is stopped.
"""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

from msgspec import Struct

from otp.spec import SupervisorSpec
from otp.testing.branch import Machine
from otp.testing.happenings import Asks, Happening, Stops
from otp.testing.observed import Transition, Transitions, observed
from otp.testing.snapshot import fork, imprint
from otp.testing.world import World

__all__ = ("Exploration", "Violation", "explore")


class Exploration(Struct, frozen=True):
    """What was seen.

    Attributes:
        states: how many, all different.
        steps: from one state to another, or to one that was known.
        deepest: happenings on the longest path to a state that was new.
        transitions: of a child from one state to another; none if the machine was given.
    """

    states: int
    steps: int
    deepest: int
    transitions: frozenset[Transition]


class Violation(AssertionError):
    """A promise is broken. The message tells what happened, in order, and what the machines wanted done each time.

    Attributes:
        path: what happened; there is no shorter path to a broken promise.
        `__cause__`: which promise, or what the machine raised.
    """

    def __init__(self, path: tuple[Happening, ...], message: str) -> None:
        super().__init__(message)
        self.path = path


def explore(
    spec: SupervisorSpec,
    happenings: Iterable[Happening],
    *,
    machine: Machine | None = None,
    check: Callable[[World], None] | None = None,
) -> Exploration:
    """Walk all orders of `happenings` through the machines of a tree, breadth first, and look at each state.

    States with the same future are walked through once (`otp.testing.snapshot.imprint`). In each it is checked that

    - a child has one living incarnation at the most, the next generation of one that does not live; temporary children
      have one for ever; nothing is started after the end;
    - a child under maintenance is not restarted over a failure of its own, nor, once it is down, over one of a sibling;
    - a child that was stopped by request comes back only by a younger request or a group restart that began later;
    - in the startup a child is started when those before it have been up or have left it;
    - static children are asked to stop when those behind them in the group are gone, dynamic ones at once;
    - a supervisor that is busy waits for somebody who lives, and who can end or come up;
    - only what lives is told to stop, only what is armed is cancelled, and what comes from an older generation, or a
      moment too late, changes nothing;
    - the restarts within the period are as many as a naive count finds;
    - when nothing goes on by itself any more, nobody is down but by request, for good, parked, or waiting for its time;
    - each request gets one answer, and each path ends with one `Done`.

    Args:
        spec: the tree; supervisors below the root are walked through as well.
        happenings: what may happen once each, out of `otp.testing.happenings`; twice the same may happen twice.
        machine: what makes the machine of each supervisor: a broken one, to see that it is found out. None: the machine
            as it is, and each change of a child's state has to be in `otp.core.transitions`.
        check: raises for a state that breaks a promise of your own.

    Raises:
        Violation: a promise is broken.
    """
    return _Search(spec, happenings, machine, check).run()


class _State(NamedTuple):
    """A world that was met, and which of the given happenings are left: how often each."""

    number: int
    world: World
    left: tuple[int, ...]


class _Search:
    """Breadth first, so that the first broken promise is found on a shortest path."""

    def __init__(
        self,
        spec: SupervisorSpec,
        happenings: Iterable[Happening],
        machine: Machine | None,
        check: Callable[[World], None] | None,
    ) -> None:
        given = Counter(happenings)
        self._kinds = tuple(given)
        self._transitions = Transitions()
        self._world = World(spec, machine or observed(self._transitions))
        self._start = fork(self._world), tuple(given.values())
        self._check = check
        self._known: set[object] = set()
        self._ways: list[tuple[int, Happening | None]] = []  # to each state: the state before, and what happened there
        self._frontier: deque[_State] = deque()
        self._steps = 0

    def run(self) -> Exploration:
        world, left = self._start
        with self._blaming(0, None):
            world.begin()
            self._meet(0, None, world, left)
        while self._frontier:
            self._go_on(self._frontier.popleft())
        return Exploration(
            states=len(self._ways),
            steps=self._steps,
            deepest=len(self._path(len(self._ways) - 1)),
            transitions=frozenset(self._transitions.seen),
        )

    def _go_on(self, state: _State) -> None:
        """Take each step that there is from a state."""
        number, world, _ = state
        with self._blaming(number, None):
            moves = list(self._moves(state))
        for n, (happening, left) in enumerate(moves, 1):
            self._steps += 1
            with self._blaming(number, happening):
                new = fork(world) if n < len(moves) else world  # nobody needs it any more
                new.take(happening)
                self._meet(number, happening, new, left)

    def _moves(self, state: _State) -> Iterator[tuple[Happening, tuple[int, ...]]]:
        """What can happen next, and what is left after that."""
        _, world, left = state
        always = list(world.always())
        if not always and world.exit is None and not world.stopped:
            world.check_quiet()
        for happening in always:
            yield happening, left
        given = [n for n, kind in enumerate(self._kinds) if left[n] and world.can(kind)] if world.exit is None else ()
        for n in given:
            yield self._kinds[n], (*left[:n], left[n] - 1, *left[n + 1 :])
        if not always and not given:
            if world.exit is None:
                assert not world.stopped, "the tree was stopped, and never ends"
                world.check_idle()
                yield Stops(), left
            else:
                self._end(state)

    def _end(self, state: _State) -> None:
        """After the end requests still get their answer, and nothing else."""
        for n, kind in enumerate(self._kinds):
            if state.left[n] and isinstance(kind, Asks) and state.world.can(kind):
                state.world.take(kind)
        state.world.check_idle()

    def _meet(self, before: int, happening: Happening | None, world: World, left: tuple[int, ...]) -> None:
        """Look at a state, and come back to it later if it is new."""
        seen = imprint(world)
        key = (seen, left)
        if key in self._known:
            return
        self._known.add(key)
        number = len(self._ways)
        self._ways.append((before, happening))
        world.check()
        assert imprint(world) == seen, "what is out of date makes a difference"
        if self._check is not None:
            self._check(world)
        self._frontier.append(_State(number, world, left))

    # ------------------------------------------------------------------------------------------------ what went wrong

    @contextmanager
    def _blaming(self, number: int, happening: Happening | None) -> Generator[None]:
        """Whatever is raised in here came of that path, and then of that happening."""
        try:
            yield
        except Exception as error:
            path = self._path(number) + ((happening,) if happening is not None else ())
            why = str(error) if isinstance(error, AssertionError) else repr(error)
            raise Violation(path, f"{why}\n{self._story(path)}") from error

    def _path(self, number: int) -> tuple[Happening, ...]:
        path: list[Happening] = []
        while number:
            number, happening = self._ways[number]
            if happening is not None:
                path.append(happening)
        return tuple(reversed(path))

    def _story(self, path: tuple[Happening, ...]) -> str:
        """The path once more, with what the machines wanted at each step."""
        world = fork(self._world)
        lines = [_line(world, "the tree starts", world.begin)]
        lines += [_line(world, str(happening), partial(world.take, happening)) for happening in path]
        return "\n".join(f"{n:>4}. {line}" for n, line in enumerate(lines))


def _line(world: World, what: str, act: Callable[[], object]) -> str:
    world.trace = []
    with suppress(Exception):  # the last step of the path raises again
        act()
    return f"{what} → {', '.join(world.trace)}" if world.trace else what
