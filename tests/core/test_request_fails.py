"""A start by request that fails is answered, costs nothing, ends nothing, and is never tried again at once (D5)."""

import pytest

from otp import events
from otp.errors import ChildRefused, FatalFailure, Restarting, StartError
from otp.exits import Crashed
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow
from otp.spec import Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

DELAY = Backoff(1.0, jitter=0.0)
STAYS = {
    "no policy": None,
    "at once": FailurePolicy(),
    "at once, within a limit": FailurePolicy(otherwise=Limited(1, 60.0)),
    "parked": FailurePolicy(otherwise=GiveUp()),
    "fatal": FailurePolicy(otherwise=Fatal()),
}
WAITS = {
    "delayed": FailurePolicy(otherwise=RestartAfter(DELAY)),
    "at once, then delayed": FailurePolicy(otherwise=RestartNow(then=DELAY)),
    "delayed within a limit": FailurePolicy(otherwise=Limited(1, 60.0, retry=RestartAfter(DELAY))),
    "at once, then delayed, within a limit": FailurePolicy(otherwise=Limited(1, 60.0, retry=RestartNow(then=DELAY))),
}
KINDS = [Restart.PERMANENT, Restart.TRANSIENT]
GROUPED = pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])


def tree(*children, intensity=0, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, intensity=intensity, **options)).begin()
    sim.take_trace()
    return sim


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("why", STAYS)
def test_without_a_delay_in_its_policy_it_stays_failed_with_verdict_and_running_downtime(why, kind):
    sim = tree(stand_in("a", policy=STAYS[why], restart=kind), "b")
    sim.failing.add("a")
    asked = sim.restart("a")
    assert isinstance(asked.result, StartError)
    assert sim.states == {"a": "failed", "b": "running"}
    assert sim.trace == ["stop a", "start a"]
    assert [failed.verdict for failed in sim.of(events.ChildFailed)] == ["unclassified"]
    assert sim.child("a").verdict == "unclassified"
    assert sim.child("a").down_since == 0.0
    assert sim.machine.window.used == 0
    sim.failing.clear()
    sim.pass_time(2.0)
    assert sim.restart("a").result is None
    assert sim.child("a").downtime == 2.0


@pytest.mark.parametrize("why", WAITS)
def test_with_a_delay_it_waits_at_no_cost_and_later_tries_cost_as_ever(why):
    sim = tree(stand_in("a", policy=WAITS[why]), intensity=1)
    sim.failing.add("a")
    assert isinstance(sim.restart("a").result, StartError)
    assert sim.states == {"a": "backoff"}
    assert sim.of(events.ChildDelayed)[0].delay == 1.0
    assert sim.machine.window.used == 0
    sim.pass_time(1.0)
    assert sim.states == {"a": "backoff"}
    assert sim.of(events.ChildDelayed)[1].delay == 2.0
    assert sim.machine.window.used == 1
    sim.failing.clear()
    sim.pass_time(2.0)
    assert sim.states == {"a": "running"}


def test_each_in_a_row_is_delayed_for_longer_as_other_failures_are():
    sim = tree(stand_in("a", policy=WAITS["at once, then delayed"]))
    sim.failing.add("a")
    for _ in range(3):
        sim.restart("a")
    assert [delayed.delay for delayed in sim.of(events.ChildDelayed)] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(("dice", "delay"), [(0.0, 0.5), (1.0, 1.5)])
def test_the_dice_decide_about_the_jitter_of_its_delay(dice, delay):
    policy = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, jitter=0.5)))
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=policy)]), dice=lambda: dice).begin()
    sim.failing.add("a")
    sim.restart("a")
    assert [delayed.delay for delayed in sim.of(events.ChildDelayed)] == [delay]


def test_a_limit_of_its_own_counts_none_of_those_that_were_asked_for():
    sim = tree(stand_in("a", policy=FailurePolicy(otherwise=Limited(1, 60.0, then=Fatal()))), intensity=9)
    sim.failing.add("a")
    for _ in range(5):
        sim.restart("a")
    sim.failing.clear()
    sim.restart("a")
    sim.crash("a")
    assert sim.states == {"a": "running"}


def test_one_that_is_down_by_request_counts_its_downtime_from_the_start_that_fails():
    sim = tree("a")
    sim.terminate_child("a")
    sim.pass_time(7.0)
    sim.failing.add("a")
    sim.restart("a")
    assert sim.child("a").down_since == 7.0


def test_one_that_is_down_over_a_failure_has_been_down_since_then():
    sim = tree(stand_in("a", policy=STAYS["parked"]))
    sim.crash("a")
    sim.pass_time(7.0)
    sim.failing.add("a")
    sim.restart("a")
    assert sim.child("a").down_since == 0.0


def test_a_start_that_takes_too_long_is_no_different():
    sim = tree(stand_in("a", start_timeout=2.0))
    sim.slow.add("a")
    asked = sim.restart("a")
    sim.pass_time(2.0)
    assert isinstance(asked.result, StartError)
    assert sim.states == {"a": "failed"}


def test_one_that_takes_too_long_and_refuses_to_end_ends_nothing():
    sim = tree(stand_in("a", start_timeout=1.0, shutdown=1.0), "b")
    sim.slow.add("a")
    asked = sim.restart("a")
    sim.stubborn.add("a")
    sim.pass_time(5.0)
    assert isinstance(asked.result, ChildRefused)
    assert sim.states == {"a": "refused", "b": "running"}
    sim.end("a")
    assert sim.states == {"a": "failed", "b": "running"}


@pytest.mark.parametrize("down", [(), ("redis",)])
def test_one_that_needs_something_is_held_if_that_is_down_and_else_fails(down):
    sim = Simulation(supervisor("root", children=[stand_in("a", needs=("redis",))], intensity=0), down=down).begin()
    sim.failing.add("a")
    assert isinstance(sim.restart("a").result, StartError)
    assert sim.states == {"a": "held" if down else "failed"}
    sim.failing.clear()
    sim.come_back("redis")
    assert sim.states == {"a": "running" if down else "failed"}
    assert sim.machine.window.used == 0


def test_a_crash_after_a_restart_by_request_is_an_ordinary_one_also_of_a_child_that_needs_something():
    sim = Simulation(supervisor("root", children=[stand_in("a", needs=("redis",))], intensity=1)).begin()
    sim.restart("a")
    sim.crash("a")
    assert sim.states == {"a": "running"}
    assert sim.machine.window.used == 1


def test_one_under_maintenance_is_left_down():
    sim = tree("a")
    sim.pause("a")
    sim.failing.add("a")
    assert isinstance(sim.restart("a").result, StartError)
    assert sim.states == {"a": "paused"}


@GROUPED
@pytest.mark.parametrize("meant", ["a", "b"])
def test_in_a_restart_of_its_group_the_error_is_the_answer_and_those_behind_go_on(meant, strategy):
    sim = tree("a", "b", "c", strategy=strategy)
    sim.failing.add("b")
    asked = sim.restart(meant)
    assert isinstance(asked.result, StartError)
    assert asked.result.path == "root/b"
    assert sim.states == {"a": "running", "b": "failed", "c": "running"}
    assert sim.machine.window.used == 0


@GROUPED
def test_in_a_restart_of_its_group_one_with_a_delay_waits_and_comes_back(strategy):
    sim = tree("a", stand_in("b", policy=WAITS["delayed"]), "c", strategy=strategy)
    sim.failing.add("b")
    assert isinstance(sim.restart("a").result, StartError)
    assert sim.states == {"a": "running", "b": "backoff", "c": "running"}
    sim.failing.clear()
    sim.pass_time(1.0)
    assert set(sim.states.values()) == {"running"}


@GROUPED
def test_in_a_restart_of_its_group_one_that_refuses_to_end_its_start_is_the_answer(strategy):
    sim = tree("a", stand_in("b", start_timeout=1.0, shutdown=1.0), "c", strategy=strategy)
    sim.slow.add("b")
    asked = sim.restart("a")
    sim.stubborn.add("b")
    sim.pass_time(5.0)
    assert isinstance(asked.result, ChildRefused)
    assert sim.states == {"a": "running", "b": "refused", "c": "running"}


@GROUPED
def test_one_that_refuses_a_stop_of_its_own_is_no_answer_to_a_restart_of_its_group(strategy):
    sim = tree(stand_in("a", shutdown=1.0), "b", "c", strategy=strategy)
    sim.slow.add("b")
    asked = sim.restart("b")
    sim.stubborn.add("a")
    stopped = sim.terminate_child("a")
    sim.pass_time(5.0)
    assert isinstance(stopped.result, ChildRefused)
    assert not asked.answered
    sim.ready("b")
    assert asked.answered
    assert asked.result is None
    assert sim.states == {"a": "refused", "b": "running", "c": "running"}


@GROUPED
def test_one_that_is_restarted_while_its_group_starts_is_no_different(strategy):
    sim = tree("a", "b", "c", strategy=strategy, intensity=1)
    sim.slow.add("b")
    sim.crash("a")
    asked = sim.restart("b")
    sim.fail("b")
    assert isinstance(asked.result, StartError)
    assert sim.states == {"a": "running", "b": "failed", "c": "running"}


def test_the_start_of_a_dynamic_child_by_request_is_no_different():
    sim = Simulation(dynamic_supervisor("root", intensity=0)).begin()
    sim.start_child(stand_in("a"))
    sim.failing.add("a")
    assert isinstance(sim.restart("a").result, StartError)
    assert sim.states == {"a": "failed"}


@pytest.mark.parametrize("error", [RuntimeError("down"), FatalFailure("root/sub", "root/sub/x", "config_error")])
def test_a_supervisor_below_that_does_not_start_by_request_ends_nothing_above(error):
    sim = tree(supervisor("sub"), "b")
    sim.slow.add("sub")
    asked = sim.restart("sub")
    sim.fail("sub", error)
    assert isinstance(asked.result, StartError)
    assert sim.states == {"sub": "failed", "b": "running"}


def test_whoever_restarts_it_once_more_meanwhile_is_told_of_its_own_start():
    sim = tree("a")
    sim.slow.add("a")
    first = sim.restart("a")
    second = sim.restart("a")
    sim.fail("a")
    assert isinstance(first.result, StartError)
    assert isinstance(second.result, StartError)
    assert sim.states == {"a": "failed"}


def test_while_it_starts_a_child_is_restarting_s36():
    sim = tree("a")
    sim.slow.add("a")
    sim.restart("a")
    assert isinstance(sim.restart_child("a").result, Restarting)
    assert isinstance(sim.delete_child("a").result, Restarting)


@pytest.mark.parametrize("before", ["failed", "stopped"])
def test_a_restart_child_that_fails_leaves_it_as_it_was_s51(before):
    sim = tree(stand_in("a", policy=STAYS["parked"]))
    if before == "failed":
        sim.crash("a")
    else:
        sim.terminate_child("a")
    sim.failing.add("a")
    sim.pass_time(3.0)
    assert isinstance(sim.restart_child("a").result, StartError)
    assert sim.states == {"a": before}
    assert sim.child("a").down_since == (0.0 if before == "failed" else None)


def test_one_that_was_parked_and_then_stopped_by_request_stays_stopped_when_a_restart_child_fails_s51():
    sim = tree(stand_in("a", policy=STAYS["parked"]))
    sim.crash("a")
    sim.failing.add("a")
    sim.restart_child("a")
    sim.terminate_child("a")
    sim.restart_child("a")
    assert sim.states == {"a": "stopped"}
    assert sim.child("a").down_since is None


def test_in_a_first_start_it_undoes_all_as_ever_s13():
    sim = Simulation(supervisor("root", children=[stand_in("a")]), slow="a").begin()
    sim.restart("a")
    sim.fail("a")
    assert isinstance(sim.exit, Crashed)
