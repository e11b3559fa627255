"""A scenario: a tree and a script of steps, as data. Every runner plays it and gives a trace.

Ids are unique in the whole scenario, so a trace names a child by its id alone. Times are in seconds.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec
from msgspec import Struct

from otp.spec import AutoShutdown, Restart, Strategy

PHASE = 0.125
"""When a scenario begins, after a whole second. The window of OTP sees whole seconds only (D1)."""

TICK = 0.25
"""Waiting is a multiple of this, so a few milliseconds spent in between never cross a second."""


class OnStop(StrEnum):
    """What a worker does when it is asked to stop."""

    OBEY = "obey"
    RAISE = "raise"
    RETURN = "return"
    REFUSE = "refuse"
    """It goes on until it is killed. Only where it has a finite time to stop."""


class Outcome(StrEnum):
    """How a start goes."""

    OK = "ok"
    FAIL = "fail"
    IGNORE = "ignore"
    CRASH = "crash"
    """It comes up and fails at once."""


class How(StrEnum):
    """How a worker ends by itself."""

    CRASH = "crash"
    NORMAL = "normal"
    SHUTDOWN = "shutdown"
    DETAIL = "detail"
    """`{shutdown, detail}`."""


class Shutdown(StrEnum):
    """How a child is stopped. A finite time is only ever used up by a worker that refuses."""

    BRUTAL_KILL = "brutal_kill"
    FINITE = "finite"
    INFINITY = "infinity"


class Worker(Struct, frozen=True, tag=True, omit_defaults=True):
    """A worker. `ready` means something to us only: without it, it counts as up once it is scheduled."""

    id: str
    restart: Restart = Restart.PERMANENT
    shutdown: Shutdown = Shutdown.INFINITY
    significant: bool = False
    on_stop: OnStop = OnStop.OBEY
    ready: bool = True


class Supervisor(Struct, frozen=True, tag=True, omit_defaults=True):
    """A supervisor and its children, in start order."""

    id: str
    children: tuple["Node", ...] = ()
    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: int = 3
    period: int = 5
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER
    restart: Restart = Restart.PERMANENT
    significant: bool = False


class Dynamic(Struct, frozen=True, tag=True, omit_defaults=True):
    """A supervisor of children that come and go, all like `template`: OTP's simple_one_for_one (D6)."""

    id: str
    template: Worker
    intensity: int = 3
    period: int = 5
    restart: Restart = Restart.PERMANENT
    significant: bool = False


Node = Worker | Supervisor | Dynamic


class Plan(Struct, frozen=True, tag=True):
    """The next starts of this worker go so; those after them well."""

    worker: str
    outcomes: tuple[Outcome, ...]


class End(Struct, frozen=True, tag=True):
    """The worker ends by itself, if it lives."""

    worker: str
    how: How


class StartChild(Struct, frozen=True, tag=True, omit_defaults=True):
    """Ask the supervisor to add a child. Under a dynamic one the child is like its template, whatever else it says."""

    supervisor: str
    child: Node


class TerminateChild(Struct, frozen=True, tag=True):
    """Ask the supervisor to stop a child."""

    supervisor: str
    child: str


class RestartChild(Struct, frozen=True, tag=True):
    """Ask the supervisor to start a child that is down."""

    supervisor: str
    child: str


class DeleteChild(Struct, frozen=True, tag=True):
    """Ask the supervisor to forget a child that is down."""

    supervisor: str
    child: str


class WhichChildren(Struct, frozen=True, tag=True):
    """Ask the supervisor for its children."""

    supervisor: str


class CountChildren(Struct, frozen=True, tag=True):
    """Ask the supervisor how many children it has."""

    supervisor: str


class GetChildspec(Struct, frozen=True, tag=True):
    """Ask the supervisor for the spec of a child."""

    supervisor: str
    child: str


Request = StartChild | TerminateChild | RestartChild | DeleteChild | WhichChildren | CountChildren | GetChildspec


class Tick(Struct, frozen=True, tag=True):
    """All of this happens before the supervisor can act on any of it: ends of its own workers, requests to it."""

    supervisor: str
    actions: tuple[End | Request, ...]


class Wait(Struct, frozen=True, tag=True):
    """Let time pass."""

    seconds: float


class Stray(Struct, frozen=True, tag=True):
    """The supervisor hears of the end of somebody who is none of its children (S19)."""

    supervisor: str


Step = Plan | End | Request | Tick | Wait | Stray


class Scenario(Struct, frozen=True, omit_defaults=True):
    """A tree and what happens to it, one step after the other. In the end the root is stopped.

    Attributes:
        tree: it is started first.
        steps: what happens then, until the root is gone.
        plans: how the very first starts go.
    """

    tree: Supervisor | Dynamic
    steps: tuple[Step, ...] = ()
    plans: tuple[Plan, ...] = ()


def nodes(scenario: Scenario) -> Iterator[Node]:
    """All nodes that a scenario speaks of, those that are only added later included."""
    yield from below(scenario.tree)
    for action in actions(scenario):
        if isinstance(action, StartChild):
            yield from below(action.child)


def below(node: Node) -> Iterator[Node]:
    """The node and all nodes below it."""
    yield node
    if isinstance(node, Supervisor):
        for child in node.children:
            yield from below(child)


def actions(scenario: Scenario) -> Iterator[Step]:
    """All steps, with those inside ticks."""
    for step in scenario.steps:
        if isinstance(step, Tick):
            yield from step.actions
        else:
            yield step


def is_answered_late(scenario: Scenario) -> bool:
    """Whether a request waits for a supervisor that is busy. Ours would not let it wait (D4)."""
    ticks = (step for step in scenario.steps if isinstance(step, Tick))
    return any(isinstance(action, Request) for tick in ticks for action in tick.actions)


def encode(scenario: Scenario) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(scenario)


def decode(line: bytes | str) -> Scenario:
    """The scenario of such a line."""
    return msgspec.json.decode(line, type=Scenario)
