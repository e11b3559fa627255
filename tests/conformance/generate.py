"""Scenarios by Hypothesis, weighted so that every rule is met often."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from msgspec.structs import replace

from otp.spec import AutoShutdown, Restart, Strategy
from tests.conformance.scenario import (
    TICK,
    CountChildren,
    DeleteChild,
    Dynamic,
    End,
    GetChildspec,
    How,
    Node,
    OnStop,
    Outcome,
    Plan,
    Request,
    RestartChild,
    Scenario,
    Shutdown,
    StartChild,
    Step,
    Stray,
    Supervisor,
    TerminateChild,
    Tick,
    Wait,
    WhichChildren,
    Worker,
    below,
)

MOST_CHILDREN = 4
MOST_STEPS = 12
DEEPEST = 2

_RESTARTS = st.sampled_from([*[Restart.PERMANENT] * 4, *[Restart.TRANSIENT] * 3, *[Restart.TEMPORARY] * 2])
_STRATEGIES = st.sampled_from(Strategy)
_INTENSITIES = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 5, 9])
_PERIODS = st.sampled_from([1, 2, 5])
_AUTO = st.sampled_from([*[AutoShutdown.NEVER] * 2, AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT])
_SHUTDOWNS = st.sampled_from([*[Shutdown.INFINITY] * 3, *[Shutdown.FINITE] * 3, Shutdown.BRUTAL_KILL])
_ON_STOP = st.sampled_from([*[OnStop.OBEY] * 12, OnStop.RAISE, OnStop.RETURN])
_SELDOM = st.sampled_from([*[False] * 19, True])
_QUARTER = st.sampled_from([False, False, False, True])
_HALF = st.booleans()
_HOW = st.sampled_from([*[How.CRASH] * 5, *[How.NORMAL] * 2, How.SHUTDOWN, How.DETAIL])
_FAILURES = st.lists(st.sampled_from([*[Outcome.FAIL] * 3, Outcome.IGNORE, Outcome.OK]), min_size=1, max_size=3)
_FAILURES_AT_THE_TOP = st.lists(
    st.sampled_from([*[Outcome.FAIL] * 3, Outcome.IGNORE, Outcome.OK, Outcome.CRASH]), min_size=1, max_size=3
)
_FAILURES_OF_DYNAMIC = st.lists(st.sampled_from([Outcome.FAIL, Outcome.FAIL, Outcome.OK]), min_size=1, max_size=3)
_WAITS = st.integers(1, 24).map(lambda ticks: ticks * TICK)
_STEPS = st.sampled_from([*["end"] * 6, *["plan"] * 3, *["request"] * 6, *["tick"] * 4, *["wait"] * 2, "stray"])
_REQUESTS = st.sampled_from(
    [
        *[StartChild] * 3,
        *[TerminateChild] * 4,
        *[RestartChild] * 2,
        *[DeleteChild] * 2,
        WhichChildren,
        CountChildren,
        GetChildspec,
    ]
)


@st.composite
def scenarios(draw: DrawFn) -> Scenario:
    """Any scenario, with a supervisor that is mostly static at its root."""
    return _Writer(draw).write()


class _Writer:
    """Writes one scenario and knows who may be named in it.

    Attributes:
        children: the ids that each supervisor has had so far, in the tree or by a request.
        workers: the workers among them, by their supervisor.
    """

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.children: dict[str, list[str]] = {}
        self.workers: dict[str, list[str]] = {}
        self.dynamic: set[str] = set()
        self.root = ""
        self._ids = 0

    def write(self) -> Scenario:
        tree = (
            self._dynamic(root=True)
            if self.draw(_SELDOM) and self.draw(_HALF)
            else self._supervisor(0, AutoShutdown.NEVER)
        )
        self.root = tree.id
        self._know(tree)
        plans = tuple(self._plan(tree.id)) if self.draw(_QUARTER) else ()
        steps: list[Step] = []
        for _ in range(self.draw(st.integers(0, MOST_STEPS))):
            steps += self._step()
        written = Scenario(tree, tuple(steps), plans)
        return _unready(written) if self.draw(_HALF) else written

    # ------------------------------------------------------------------------------------------------ the tree

    def _id(self, letter: str) -> str:
        self._ids += 1
        return f"{letter}{self._ids}"

    def _node(self, depth: int, above: AutoShutdown) -> Node:
        if depth <= DEEPEST and self.draw(_QUARTER):
            return self._dynamic(above=above) if self.draw(_QUARTER) else self._supervisor(depth, above)
        return self._worker(above)

    def _worker(self, above: AutoShutdown, id: str | None = None) -> Worker:
        restart = self.draw(_RESTARTS)
        shutdown = self.draw(_SHUTDOWNS)
        refuses = shutdown is Shutdown.FINITE and self.draw(_SELDOM)
        return Worker(
            id or self._id("w"),
            restart=restart,
            shutdown=shutdown,
            significant=self._significant(restart, above),
            on_stop=OnStop.REFUSE if refuses else self.draw(_ON_STOP),
        )

    def _significant(self, restart: Restart, above: AutoShutdown) -> bool:
        return above is not AutoShutdown.NEVER and restart is not Restart.PERMANENT and self.draw(_HALF)

    def _supervisor(self, depth: int, above: AutoShutdown) -> Supervisor:
        restart = self.draw(_RESTARTS) if depth else Restart.PERMANENT
        auto = self.draw(_AUTO)
        return Supervisor(
            self._id("s"),
            tuple(self._node(depth + 1, auto) for _ in range(self.draw(st.integers(0 if depth else 1, MOST_CHILDREN)))),
            strategy=self.draw(_STRATEGIES),
            intensity=self.draw(_INTENSITIES),
            period=self.draw(_PERIODS),
            auto_shutdown=auto,
            restart=restart,
            significant=self._significant(restart, above),
        )

    def _dynamic(self, *, root: bool = False, above: AutoShutdown = AutoShutdown.NEVER) -> Dynamic:
        restart = Restart.PERMANENT if root else self.draw(_RESTARTS)
        return Dynamic(
            self._id("d"),
            self._worker(AutoShutdown.NEVER, "template"),
            intensity=self.draw(_INTENSITIES),
            period=self.draw(_PERIODS),
            restart=restart,
            significant=self._significant(restart, above),
        )

    def _know(self, node: Node) -> None:
        for each in below(node):
            match each:
                case Supervisor(id, children):
                    self.children.setdefault(id, []).extend(child.id for child in children)
                    self.workers.setdefault(id, []).extend(c.id for c in children if isinstance(c, Worker))
                case Dynamic(id):
                    self.dynamic.add(id)
                    self.children.setdefault(id, [])
                    self.workers.setdefault(id, [])
                case Worker():
                    pass

    # ------------------------------------------------------------------------------------------------ the steps

    def _step(self) -> list[Step]:
        match self.draw(_STEPS):
            case "end":
                return self._end()
            case "plan":
                return [*self._plan(), *self._end()]
            case "request":
                return self._request(self._any_supervisor())
            case "tick":
                return self._tick()
            case "wait":
                return [Wait(self.draw(_WAITS))]
            case _:
                return [Stray(self._any_supervisor())]

    def _any_supervisor(self) -> str:
        return self.draw(st.sampled_from([*self.children, *self.dynamic]))

    def _any_child(self, supervisor: str) -> str:
        return self.draw(st.sampled_from([*self.children[supervisor] * 4, "nobody"]))

    def _end(self, supervisor: str | None = None) -> list[Step]:
        workers = self._workers_of(supervisor)
        return [End(self.draw(st.sampled_from(workers)), self.draw(_HOW))] if workers else []

    def _workers_of(self, supervisor: str | None) -> list[str]:
        if supervisor is not None:
            return self.workers[supervisor]
        return [worker for workers in self.workers.values() for worker in workers]

    def _plan(self, supervisor: str | None = None) -> list[Plan]:
        workers = self._workers_of(supervisor)
        if not workers:
            return []
        worker = self.draw(st.sampled_from(workers))
        return [Plan(worker, tuple(self.draw(self._failures(worker))))]

    def _failures(self, worker: str) -> st.SearchStrategy[list[Outcome]]:
        """Who fails at once does so only right below the root: nobody else is at work then, so the order is known."""
        owner = next(id for id, workers in self.workers.items() if worker in workers)
        if owner in self.dynamic:
            return _FAILURES_OF_DYNAMIC
        return _FAILURES_AT_THE_TOP if owner == self.root else _FAILURES

    def _tick(self) -> list[Step]:
        supervisor = self._any_supervisor()
        plans = self._plan(supervisor) if self.draw(_HALF) else []
        victim = plans[0].worker if plans else None
        actions: list[End | Request] = [End(victim, How.CRASH)] if victim is not None and self.draw(_HALF) else []
        before: list[Step] = [*plans]
        for _ in range(self.draw(st.integers(1, 4))):
            for each in self._end(supervisor) if self.draw(_HALF) else self._request(supervisor, victim):
                if isinstance(each, Plan):
                    before.append(each)
                elif not self._is_by_pid(each):
                    actions.append(each)
        return [*before, Tick(supervisor, tuple(actions))]

    def _is_by_pid(self, action: End | Request) -> bool:
        """Whether OTP would want a pid that nobody can know before the rest of the tick has happened (D6)."""
        return isinstance(action, TerminateChild) and action.supervisor in self.dynamic

    def _request(self, supervisor: str, victim: str | None = None) -> list[Step]:
        kind = self.draw(_REQUESTS)
        if kind is StartChild:
            return self._start_child(supervisor)
        if kind in (WhichChildren, CountChildren):
            return [kind(supervisor)]
        if kind is GetChildspec and supervisor in self.dynamic:  # OTP has one for every dead pid (D6)
            return []
        return [kind(supervisor, victim if victim and self.draw(_HALF) else self._any_child(supervisor))]

    def _start_child(self, supervisor: str) -> list[Step]:
        known = self.workers[supervisor]
        above = self.draw(_AUTO)
        if supervisor in self.dynamic:
            child: Node = Worker(self._id("x"))
        elif known and self.draw(_HALF):
            child = self._worker(above, self.draw(st.sampled_from(known)))
        else:
            child = self._node(DEEPEST, above)
        before: list[Step] = []
        if self.draw(_QUARTER):
            first = next((each.id for each in below(child) if isinstance(each, Worker)), None)
            if first is not None:
                before = [Plan(first, (self.draw(st.sampled_from([Outcome.FAIL, Outcome.IGNORE])),))]
        if child.id not in self.children[supervisor]:
            self.children[supervisor].append(child.id)
            if isinstance(child, Worker):
                self.workers[supervisor].append(child.id)
        self._know(child)
        return [*before, StartChild(supervisor, child)]


def _unready(scenario: Scenario) -> Scenario:
    """The same, and whoever never fails to start counts as up once it is scheduled."""
    planned = {step.worker for step in (*scenario.plans, *scenario.steps) if isinstance(step, Plan)}
    return Scenario(
        _unready_node(scenario.tree, planned),
        tuple(_unready_step(step, planned) for step in scenario.steps),
        scenario.plans,
    )


def _unready_step(step: Step, planned: set[str]) -> Step:
    match step:
        case StartChild(_, child):
            return replace(step, child=_unready_node(child, planned))
        case Tick(_, actions):
            return replace(step, actions=tuple(_unready_step(action, planned) for action in actions))
        case _:
            return step


def _unready_node(node: Node, planned: set[str]) -> Node:
    match node:
        case Worker(id):
            return replace(node, ready=id in planned)
        case Supervisor(_, children):
            return replace(node, children=tuple(_unready_node(child, planned) for child in children))
        case Dynamic(_, template):
            return replace(node, template=replace(template, ready=any(id.startswith("x") for id in planned)))
