"""A restart that does not come up is tried again, a credit each time, and others get in between (S35-S39)."""

import pytest

from otp.core import inputs
from otp.errors import AlreadyPresent, Restarting
from otp.events import ChildExited, ChildRestarting, ChildStartFailed
from otp.exits import Crashed, Shutdown
from otp.spec import Restart, Strategy, supervisor
from tests.simulation import Simulation, stand_in


def tree(*children, strategy=Strategy.ONE_FOR_ONE, intensity=9):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, strategy=strategy, intensity=intensity)).begin()
    sim.take_trace()
    return sim


def test_each_try_costs_a_credit_s38():
    sim = tree("a", intensity=2)
    sim.failing.add("a")
    sim.crash("a")
    assert sim.trace == ["start a", "start a", "done"]
    assert isinstance(sim.exit, Crashed)
    assert len(sim.of(ChildRestarting)) == 2


def test_a_crash_and_two_failed_starts_survive_an_intensity_of_three_s38():
    sim = tree("a", intensity=3)
    sim.slow.add("a")
    sim.crash("a")
    sim.fail("a")
    sim.fail("a")
    sim.ready("a")
    assert sim.states == {"a": "running"}
    assert sim.machine.window.used == 3
    assert [(event.generation, event.exit.abnormal) for event in sim.of(ChildStartFailed)] == [(2, True), (3, True)]


def test_a_failing_start_at_intensity_fifty_is_tried_fifty_times_pitfall_5():
    sim = tree("a", intensity=50)
    sim.failing.add("a")
    sim.crash("a")
    assert sim.trace.count("start a") == 50


def test_a_request_gets_in_between_two_tries_and_terminate_ends_them_s35_s36():
    sim = tree("a")
    sim.slow.add("a")
    sim.crash("a")
    sim.fail("a")
    asked = sim.terminate_child("a")
    assert asked.answered
    assert sim.states == {"a": "stopped"}
    assert sim.trace == ["start a", "start a", "stop a"]
    assert sim.terminate_child("a").result is None


def test_the_supervisor_can_stop_between_two_tries_s35():
    sim = tree("a")
    sim.slow.add("a")
    sim.crash("a")
    sim.fail("a")
    sim.stop()
    assert sim.exit == Shutdown()


def test_another_end_gets_in_between_two_tries_s35():
    sim = tree("a", "b")
    sim.slow.add("a")
    sim.crash("a")
    sim.fail("a")
    sim.crash("b")
    assert sim.states == {"a": "starting", "b": "running"}


def test_one_for_all_restarts_the_whole_group_when_a_sibling_fails_to_start_s39():
    sim = tree("a", "b", "d", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.add("b")
    sim.crash("a")
    sim.take_trace()
    sim.fail("b")
    sim.slow.clear()
    assert sim.take_trace() == ["stop a", "start a", "start b"]
    sim.ready("b")
    assert sim.trace == ["start d"]
    assert sim.machine.window.used == 2


def test_rest_for_one_goes_on_at_the_sibling_that_failed_s39():
    sim = tree("a", "b", "d", strategy=Strategy.REST_FOR_ONE)
    sim.slow.add("b")
    sim.crash("a")
    sim.take_trace()
    sim.fail("b")
    assert sim.take_trace() == ["start b"]
    sim.ready("b")
    assert sim.trace == ["start d"]
    assert sim.machine.window.used == 2
    assert sim.child("a").generation == 2


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
def test_a_sibling_that_never_starts_uses_up_the_credits_s38(strategy):
    sim = tree("a", "b", strategy=strategy, intensity=3)
    sim.failing.add("b")
    sim.crash("a")
    assert isinstance(sim.exit, Crashed)
    assert sim.trace.count("start b") == 3


def waiting_retry():
    """b has failed to start with its group, and its retry waits behind the end of a, which restarts the group."""
    sim = tree("a", "b", "c", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.add("b")
    sim.crash("c")
    sim.crash("a")
    sim.take_trace()
    return sim


def test_a_retry_that_somebody_else_took_care_of_is_dropped_s37_s39():
    sim = waiting_retry()
    sim.fail("b")
    assert sim.trace == ["start a", "start b"]
    sim.slow.clear()
    sim.ready("b")
    assert sim.trace == ["start a", "start b", "start c"]
    assert sim.machine.window.used == 2


def restarting():
    """a is between two tries: its retry waits until the group of b is up again."""
    sim = tree("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    sim.slow.update("ac")
    sim.crash("b")
    sim.crash("a")
    asked = sim.restart("b")
    sim.ready("c")
    sim.fail("a")
    sim.take_trace()
    return sim, asked


def test_while_it_waits_for_its_next_try_a_child_is_restarting_s36():
    sim, _ = restarting()
    assert sim.states["a"] == "restarting"
    assert isinstance(sim.restart_child("a").result, Restarting)
    assert isinstance(sim.delete_child("a").result, Restarting)
    assert str(sim.start_child(stand_in("a")).result).startswith("root/a: already present, but not running")
    assert not sim.child("a").is_up


def test_terminate_child_ends_the_tries_s36():
    sim, _ = restarting()
    assert sim.terminate_child("a").result is None
    sim.ready("c")
    assert sim.states == {"a": "stopped", "b": "running", "c": "running"}


def test_a_child_deleted_and_added_again_between_tries_is_not_disturbed_by_the_old_one_pitfall_14():
    sim, _ = restarting()
    sim.terminate_child("a")
    sim.delete_child("a")
    sim.slow.clear()
    sim.start_child(stand_in("a"))
    sim.ready("c")
    assert sim.states == {"b": "running", "c": "running", "a": "running"}
    assert sim.child("a").generation == 1


def test_a_restart_that_ignores_leaves_the_child_down_and_the_credit_spent_s25():
    sim = tree("a", intensity=1)
    sim.slow.add("a")
    sim.crash("a")
    sim.ignore("a")
    assert sim.states == {"a": "done"}
    assert sim.machine.window.used == 1
    assert sim.exit is None


def test_a_transient_child_that_returns_during_a_restart_has_failed_to_start():
    sim = tree(stand_in("a", restart=Restart.TRANSIENT))
    sim.slow.add("a")
    sim.crash("a")
    sim.end("a")
    assert sim.trace == ["start a", "start a"]


def test_a_start_of_a_restart_that_takes_too_long_is_tried_again():
    sim = tree(stand_in("a", start_timeout=2.0))
    sim.slow.add("a")
    sim.crash("a")
    sim.pass_time(2.0)
    assert sim.trace == ["start a", "stop a", "start a"]
    assert sim.machine.window.used == 2
    sim.pass_time(1.0)
    sim.ready("a")
    assert sim.child("a").downtime == 3.0


def test_a_start_that_took_too_long_is_no_failure_any_more_when_the_next_is_up():
    sim = tree(stand_in("a", start_timeout=2.0))
    sim.slow.add("a")
    sim.crash("a")
    sim.pass_time(2.0)
    sim.ready("a")
    sim.stop()
    assert len(sim.of(ChildStartFailed)) == 1
    assert [event.asked for event in sim.of(ChildExited)] == [True]


def test_while_a_try_is_under_way_a_child_is_restarting_too_d4_s36():
    sim = tree("a")
    sim.slow.add("a")
    sim.crash("a")
    assert isinstance(sim.restart_child("a").result, Restarting)
    assert isinstance(sim.delete_child("a").result, Restarting)
    assert isinstance(sim.start_child(stand_in("a")).result, AlreadyPresent)


def test_a_retry_that_comes_while_its_group_is_restarted_by_another_is_none_s37_s39():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.add("b")
    sim.crash("a")
    note = inputs.TryAgain("b", Crashed(RuntimeError()))
    sim.tell(note)
    sim.ready("b")
    sim.tell(note)
    assert sim.trace == ["stop b", "start a", "start b"]


def test_a_try_that_another_restart_of_its_group_takes_along_costs_nothing_of_its_own_s37():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.update("ab")
    sim.crash("a")
    sim.ready("a")
    sim.crash("a")
    sim.fail("b")
    assert sim.states == {"a": "starting", "b": "stopped"}
    sim.fail("a")
    assert sim.machine.window.used == 3
