"""A child that is parked or waits never keeps its siblings down: a restart of its group goes on without it."""

import pytest

from otp import events
from otp.exits import Shutdown
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on
from otp.spec import Strategy, supervisor
from tests.simulation import Simulation, stand_in

DELAY = Backoff(1.0, factor=1.0, jitter=0.0)
LEAVES = {
    "parked": (FailurePolicy(otherwise=GiveUp()), "failed"),
    "over a limit of its own, and parked": (FailurePolicy(otherwise=Limited(1, 60.0, then=GiveUp())), "failed"),
    "delayed": (FailurePolicy(otherwise=RestartAfter(DELAY)), "backoff"),
    "delayed within a limit": (FailurePolicy(otherwise=Limited(9, 60.0, retry=RestartAfter(DELAY))), "backoff"),
    "announced, and delayed the second time": (
        FailurePolicy(on(RuntimeError, RestartNow(then=DELAY), expected=True)),
        "backoff",
    ),
}
GROUPED = pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
NEEDY = stand_in("b", needs=("redis",))


def tree(b, strategy, *, intensity=9, **options):
    spec = supervisor("root", children=[stand_in("a"), b, stand_in("c")], strategy=strategy, intensity=intensity)
    sim = Simulation(spec, **options).begin()
    sim.take_trace()
    return sim


@GROUPED
@pytest.mark.parametrize("why", LEAVES)
def test_those_behind_a_child_that_is_parked_or_waits_are_started(why, strategy):
    policy, state = LEAVES[why]
    sim = tree(stand_in("b", policy=policy), strategy)
    if "second" in why or "over" in why:
        sim.crash("b", RuntimeError())
    sim.failing.add("b")
    sim.crash("a")
    assert sim.states == {"a": "running", "b": state, "c": "running"}
    assert sim.machine.plan is None


@GROUPED
def test_it_comes_back_by_itself_as_any_child_whose_delay_is_over(strategy):
    sim = tree(stand_in("b", policy=FailurePolicy(otherwise=RestartAfter(DELAY))), strategy)
    sim.failing.add("b")
    sim.crash("a")
    sim.failing.clear()
    sim.take_trace()
    sim.pass_time(1.0)
    along = ["stop c", "stop a", "start a"] if strategy is Strategy.ONE_FOR_ALL else ["stop c"]
    assert sim.trace == [*along, "start b", "start c"]
    assert set(sim.states.values()) == {"running"}


@GROUPED
def test_it_may_fail_for_ever_and_its_siblings_live(strategy):
    policy = FailurePolicy(on(RuntimeError, RestartAfter(DELAY), expected=True))
    sim = tree(stand_in("b", policy=policy), strategy, intensity=1)
    sim.failing.add("b")
    sim.crash("a")
    for _ in range(100):
        assert sim.states == {"a": "running", "b": "backoff", "c": "running"}
        sim.pass_time(1.0)
    assert sim.machine.window.used == 1


@GROUPED
def test_one_that_is_held_leaves_the_others_up_and_comes_back_with_what_it_needs(strategy):
    sim = tree(NEEDY, strategy, down=["redis"])
    sim.failing.add("b")
    sim.crash("a")
    assert sim.states == {"a": "running", "b": "held", "c": "running"}
    sim.failing.clear()
    sim.come_back("redis")
    assert set(sim.states.values()) == {"running"}


@GROUPED
def test_what_it_needs_is_asked_before_the_group_goes_on_and_while_it_is_there_the_group_begins_anew_s39(strategy):
    sim = tree(NEEDY, strategy)
    sim.slow.add("b")
    sim.crash("a")
    sim.take_trace()
    sim.fail("b")
    assert sim.trace == (["stop a", "start a", "start b"] if strategy is Strategy.ONE_FOR_ALL else ["start b"])
    sim.ready("b")
    assert sim.trace[-1] == "start c"
    assert sim.machine.window.used == 2


@GROUPED
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_under_maintenance_is_left_out_and_the_others_start(strategy, when):
    sim = tree(stand_in("b", policy=FailurePolicy(otherwise=RestartAfter(DELAY))), strategy)
    sim.slow.add("b")
    sim.crash("a")
    sim.pause("b") if when == "before" else None
    sim.fail("b")
    sim.pause("b")
    assert sim.states == {"a": "running", "b": "paused", "c": "running"}


@GROUPED
def test_one_under_maintenance_is_left_out_also_if_its_next_try_would_be_one_of_the_group(strategy):
    sim = tree(stand_in("b"), strategy)
    sim.slow.add("b")
    sim.crash("a")
    sim.pause("b")
    sim.fail("b")
    assert sim.states == {"a": "running", "b": "paused", "c": "running"}


@GROUPED
def test_one_whose_policy_says_at_once_begins_the_group_anew_as_without_a_policy_s39(strategy):
    traces = []
    for policy in (None, FailurePolicy()):
        sim = tree(stand_in("b", policy=policy), strategy)
        sim.slow.add("b")
        sim.crash("a")
        sim.fail("b")
        sim.fail("b")
        sim.ready("b")
        traces.append(sim.trace)
        assert sim.machine.window.used == 3
        assert set(sim.states.values()) == {"running"}
    assert traces[0] == traces[1]


@GROUPED
def test_a_fatal_failure_in_the_restart_of_a_group_ends_the_tree(strategy):
    sim = tree(stand_in("b", policy=FailurePolicy(otherwise=Fatal())), strategy)
    sim.failing.add("b")
    sim.crash("a")
    assert sim.exit.abnormal
    assert sim.of(events.FatalFailure)


@GROUPED
def test_a_delay_that_is_over_while_the_group_still_starts_waits_for_it(strategy):
    sim = tree(stand_in("b", policy=FailurePolicy(otherwise=RestartAfter(DELAY))), strategy)
    sim.failing.add("b")
    sim.slow.add("c")
    sim.crash("a")
    sim.failing.clear()
    sim.pass_time(2.0)
    assert sim.states == {"a": "running", "b": "backoff", "c": "starting"}
    sim.slow.clear()
    sim.ready("c")
    assert set(sim.states.values()) == {"running"}


@GROUPED
def test_an_end_during_the_restart_is_decided_although_one_of_the_group_waits(strategy):
    sim = tree(stand_in("b", policy=FailurePolicy(otherwise=RestartAfter(DELAY))), strategy)
    sim.failing.add("b")
    sim.slow.add("c")
    sim.crash("a")
    sim.crash("a")
    sim.slow.clear()
    sim.ready("c")
    assert sim.states == {"a": "running", "b": "backoff", "c": "running"}
    assert sim.child("a").crashes == 2


def test_the_first_start_waits_for_a_child_that_waits():
    spec = supervisor(
        "root", children=[stand_in("b", policy=FailurePolicy(otherwise=RestartAfter(DELAY))), stand_in("c")]
    )
    sim = Simulation(spec, failing=["b"]).begin()
    assert sim.states == {"b": "backoff", "c": "pending"}


@pytest.mark.parametrize("needs", [(), ("redis",)])
def test_the_start_of_a_supervisor_that_is_restarted_does_not_wait_and_it_is_up_without_it(needs):
    policy = None if needs else FailurePolicy(otherwise=RestartAfter(DELAY))
    spec = supervisor("sub", children=[stand_in("b", policy=policy, needs=needs), stand_in("c")])
    sim = Simulation(spec, failing=["b"], down=needs).begin(patient=False)
    assert sim.states == {"b": "held" if needs else "backoff", "c": "running"}
    assert sim.trace[-1] == "ready"
    sim.stop()
    assert sim.exit == Shutdown()


@pytest.mark.parametrize("patient", [True, False])
def test_it_knows_for_those_below_whether_its_start_is_part_of_the_first_of_the_tree(patient):
    assert Simulation(supervisor("root", children=[stand_in("a")])).begin(patient=patient).machine.patient is patient
