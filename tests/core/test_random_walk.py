"""The promises that hold whatever happens, in any order: a random walk over machines, shrunk by Hypothesis."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otp.core import inputs
from otp.core.child import ChildState
from otp.core.plan import Phase
from otp.exits import Crashed, Normal, Refused, Shutdown
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on
from otp.spec import AutoShutdown, Restart, Strategy, dynamic_supervisor, supervisor, worker
from tests.simulation import Simulation

POOL = ("a", "b", "c", "d", "e", "x", "y")


async def run(*, task_status=None):
    """Never called: the children of a simulation are only names."""


def child_spec(id, options, judged=(None, ())):
    restart, shutdown, ready, significant, timeout, is_supervisor = options
    policy, needs = judged
    significant = significant and restart is not Restart.PERMANENT
    if is_supervisor:
        return supervisor(id, restart=restart, shutdown=shutdown, significant=significant, policy=policy)
    return worker(
        id,
        run,
        restart=restart,
        shutdown=shutdown,
        ready=ready,
        significant=significant,
        start_timeout=timeout if ready else None,
        policy=policy,
        needs=needs,
    )


DELAY = Backoff(1.0, jitter=0.0)
POLICIES = [
    None,
    FailurePolicy(),
    FailurePolicy(otherwise=RestartAfter(DELAY)),
    FailurePolicy(on(BaseException, RestartNow(then=DELAY), expected=True)),
    FailurePolicy(otherwise=Limited(1, 30.0, then=GiveUp())),
    FailurePolicy(otherwise=GiveUp()),
    FailurePolicy(otherwise=Fatal()),
]
JUDGED = st.tuples(st.sampled_from(POLICIES), st.sampled_from([(), (), ("redis",), ("redis", "db")]))
CHILD = st.tuples(
    st.sampled_from(Restart),
    st.sampled_from([1.0, math.inf, "brutal_kill"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 2.0]),
    st.sampled_from([False, False, False, True]),
)
OWN_ACTS = ["crash", "return", "fail", "ready", "ignore", "refuse", "time", "stale"]
REQUESTS = ["start", "terminate", "restart_child", "delete", "restart", "pause", "resume", "reset"]
STEP = st.tuples(
    st.sampled_from([*OWN_ACTS * 3, *REQUESTS * 2, "down", "back", "stop", "kill"]),
    st.integers(0, 6),
    st.integers(0, 4),
)


class Walk(Simulation):
    """A simulation in which every child does as the walk says, and which checks what it sees."""

    def __init__(self, spec):
        super().__init__(spec, slow=POOL, stubborn=POOL)
        self.asked = []
        self.given = []
        self.refused_supervisors = set()
        self.terminated = set()
        self.told = set()
        self.killed = False

    def _start(self, id, generation, spec):
        if spec.restart is Restart.TEMPORARY:
            assert not any(spec is before for before in self.given), f"temporary {id} is started again"
            self.given.append(spec)
        assert id not in self.terminated, f"{id} was terminated by request, and is started"
        super()._start(id, generation, spec)

    def _asked_to_end(self, what, id, generation, exit):
        ordered = self.machine.phase is Phase.STOPPING and not self.machine.spec.dynamic and not self.killed
        if ordered and (id, generation) not in self.told:
            order = list(self.machine.children)
            behind = order[order.index(id) + 1 :]
            still = [i for i in behind if i in self.live and self.machine.children[i].state is not ChildState.REFUSED]
            assert not still, f"{what} {id} while {still} behind it live"
        self.told.add((id, generation))
        super()._asked_to_end(what, id, generation, exit)

    def take(self, step):
        action, n, option = step
        if action in ("crash", "return", "fail", "ready", "ignore", "refuse", "stale"):
            if self.live:
                self.act(action, sorted(self.live)[n % len(self.live)], option)
        elif action == "time":
            self.pass_time((0.1, 0.5, 1.0, 3.0, 10.0)[option])
        elif action == "down":
            self.down.add(("redis", "db")[option % 2])
        elif action == "back":
            self.come_back(("redis", "db")[option % 2])
        elif action in ("stop", "kill"):
            self.killed = self.killed or action == "kill"
            self.stop(brutal=action == "kill")
        else:
            self.ask(action, POOL[n], option)
        self.check()

    def act(self, action, id, option):
        told = self.machine.children[id].state in (ChildState.STOPPING, ChildState.REFUSED)
        if action == "ready" and id not in self.up:
            self.ready(id)
        elif action == "ignore" and id not in self.up and id not in self.refused_supervisors:
            self.ignore(id)
        elif action == "refuse" and (told or id in self.up):
            self.refuse(id)
        elif action == "stale":
            self.stale(id)
        elif action == "crash":
            self.crash(id)
        elif action == "return":
            self.end(id, (Normal(), Shutdown())[option % 2])

    def refuse(self, id):
        """A supervisor below ends, but for a task that it cannot end."""
        if type(self.machine.children[id].spec).__name__ != "SupervisorSpec" or id in self.refused_supervisors:
            return
        self.refused_supervisors.add(id)
        kind = inputs.Exited if id in self.up else inputs.StartFailed
        self.tell(kind(id, self.live[id], Refused((f"root/{id}/stuck",))))

    def _ending(self, id, exit):
        self.refused_supervisors.discard(id)
        return super()._ending(id, exit)

    def stale(self, id):
        before = len(self.events), list(self.trace), dict(self.timers)
        old = self.live[id] - 1
        for event in (
            inputs.Exited(id, old, Crashed(ValueError())),
            inputs.StartFailed(id, old, Crashed(ValueError())),
            inputs.Started(id, old, None),
            inputs.Ignored(id, old),
            inputs.TimerFired(inputs.Timer(id, old, inputs.TimerKind.SHUTDOWN)),
            inputs.Exited("nobody", 1, Normal()),
        ):
            self.tell(event)
        assert before == (len(self.events), list(self.trace), dict(self.timers))

    def ask(self, action, id, option):
        if not self.machine.grouped:
            self.terminated.discard(id) if action in ("start", "restart_child", "restart") else None
        match action:
            case "start":
                restart = list(Restart)[option % 3]
                asked = self.start_child(worker(id, run, restart=restart, ready=option > 1, start_timeout=None))
            case "terminate":
                asked = self.terminate_child(id)
            case "restart_child":
                asked = self.restart_child(id)
            case "delete":
                asked = self.delete_child(id)
            case "pause" | "resume" | "reset":
                asked = getattr(self, action)(id if option else "")
            case _:
                asked = self.restart(id)
        if action == "terminate" and asked.answered and asked.result is None and not self.machine.grouped:
            self.terminated.add(id)
        self.asked.append(asked)

    def check(self):
        for id, child in self.machine.children.items():
            assert child.is_up == (id in self.live), f"{id} is {child.state}, living: {id in self.live}"
            assert child.timer is None or child.timer in self.timers
        assert set(self.live) <= set(self.machine.children)
        waiting = [id for id, child in self.machine.children.items() if child.state is ChildState.BACKOFF]
        assert len(self.timers) <= len(self.live) + len(waiting)
        assert not self.machine.deferred or self.machine.plan is not None
        if self.machine.phase in (Phase.STARTING, Phase.UP):
            assert all(child.paused for child in self.machine.children.values() if child.state is ChildState.PAUSED)
        if self.exit is None:
            assert self.machine.window.used <= self.machine.spec.intensity or self.machine.phase is Phase.STOPPING

    def settle(self):
        """Let all that wait for a child go on: nobody is busy for ever, but a first start that waits for one."""
        for _ in range(100):
            undecided = [id for id in self.live if self.machine.children[id].state.value in ("starting", "stopping")]
            for id in undecided[:1]:
                if self.machine.children[id].state is ChildState.STARTING and id not in self.refused_supervisors:
                    self.ready(id)
                elif id not in self.refused_supervisors:
                    self.end(id, Shutdown())
                else:
                    self.pass_time(10.0)
            if not undecided:
                break
        plan = self.machine.plan
        waits = plan is not None and plan.patient and plan.awaited.state in (ChildState.BACKOFF, ChildState.HELD)
        assert plan is None or waits or self.exit is not None, f"busy for ever: {self.states}"

    def finish(self):
        """Stop, let all that can end do so; the rest refuses."""
        self.stop()
        for _ in range(len(POOL) + 1):
            for id in [i for i in self.live if self.machine.children[i].state is ChildState.STOPPING]:
                if id in self.live and id not in self.refused_supervisors:
                    self.end(id, Shutdown())
        assert self.exit is not None, f"not done; {self.live} {self.machine.plan}"
        refused = self.exit.paths if isinstance(self.exit, Refused) else ()
        for id in self.live:
            assert any(path == f"root/{id}" or path.startswith(f"root/{id}/") for path in refused)
        assert all(asked.answered for asked in self.asked), "a request without an answer"
        assert self.trace.count("done") == 1
        assert not self.timers


def walk(spec, steps, *, from_up, heard=True):
    sim = Walk(spec)
    sim.machine.heard = heard
    sim.slow = set() if from_up else set(POOL)
    sim.begin()
    sim.slow = set(POOL)
    for step in steps:
        sim.take(step)
    sim.settle()
    sim.finish()
    return sim


@pytest.mark.parametrize("strategy", Strategy)
@given(
    children=st.lists(CHILD, min_size=1, max_size=5),
    auto=st.sampled_from(AutoShutdown),
    intensity=st.sampled_from([0, 1, 3, 1000]),
    steps=st.lists(STEP, max_size=50),
    from_up=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_a_supervisor_keeps_its_promises(*, strategy, children, auto, intensity, steps, from_up):
    specs = [
        child_spec(id, (*c[:3], c[3] and auto is not AutoShutdown.NEVER, *c[4:]))
        for id, c in zip(POOL, children, strict=False)
    ]
    walk(
        supervisor("root", children=specs, strategy=strategy, auto_shutdown=auto, intensity=intensity),
        steps,
        from_up=from_up,
    )


@pytest.mark.parametrize("strategy", Strategy)
@given(
    children=st.lists(st.tuples(CHILD, JUDGED), min_size=2, max_size=5),
    intensity=st.sampled_from([0, 1, 3, 1000]),
    steps=st.lists(STEP, max_size=50),
    from_up=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_a_supervisor_with_policies_and_needs_keeps_its_promises(*, strategy, children, intensity, steps, from_up):
    specs = [child_spec(id, (*c[:3], False, *c[4:]), judged) for id, (c, judged) in zip(POOL, children, strict=False)]
    walk(supervisor("root", children=specs, strategy=strategy, intensity=intensity), steps, from_up=from_up)


@given(st.lists(STEP, max_size=50), st.sampled_from([0, 1, 1000]), st.sampled_from([None, 2]))
@settings(max_examples=300, deadline=None)
def test_a_dynamic_supervisor_keeps_its_promises(steps, intensity, limit):
    walk(dynamic_supervisor("root", intensity=intensity, max_children=limit), steps, from_up=True)


@pytest.mark.parametrize("strategy", Strategy)
@given(children=st.lists(CHILD, min_size=1, max_size=5), steps=st.lists(STEP, max_size=50))
@settings(max_examples=100, deadline=None)
def test_a_supervisor_that_nobody_listens_to_does_and_counts_the_same(*, strategy, children, steps):
    specs = [child_spec(id, (*c[:3], False, *c[4:])) for id, c in zip(POOL, children, strict=False)]
    spec = supervisor("root", children=specs, strategy=strategy, intensity=3)
    heard, unheard = (walk(spec, steps, from_up=True, heard=heard) for heard in (True, False))
    assert heard.trace == unheard.trace
    assert [facts(child) for child in heard.machine.children.values()] == [
        facts(child) for child in unheard.machine.children.values()
    ]
    often = ("ChildStarted", "ChildRestarting", "ChildExited")
    assert [told for told in map(name_of, heard.events) if told not in often] == list(map(name_of, unheard.events))


def facts(child):
    counters = child.generation, child.crashes, child.manual, child.collateral, child.streak
    return child.path, child.state, *counters, child.downtime, child.verdict


def name_of(event):
    return type(event).__name__
