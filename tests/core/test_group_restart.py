"""One child fails and siblings go with it: order, credits, who comes back (S22, S23, S26)."""

import pytest

from otp.errors import Restarting
from otp.events import Cause, ChildExited, ChildRestarting
from otp.exits import Crashed, Normal, Shutdown
from otp.spec import Restart, Strategy, supervisor
from tests.simulation import Simulation, stand_in

ONE_FOR_ALL, REST_FOR_ONE = Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE
GROUPED = [ONE_FOR_ALL, REST_FOR_ONE]


def group(*children, strategy=ONE_FOR_ALL, intensity=9, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, strategy=strategy, intensity=intensity, **options)).begin()
    sim.take_trace()
    return sim


def test_one_for_all_stops_in_reverse_order_and_starts_in_order_s22():
    sim = group("a", "b", "c")
    sim.crash("b")
    assert sim.trace == ["stop c", "stop a", "start a", "start b", "start c"]


def test_rest_for_one_leaves_those_before_alone_s23():
    sim = group("a", "b", "c", strategy=REST_FOR_ONE)
    sim.crash("b")
    assert sim.trace == ["stop c", "start b", "start c"]
    assert sim.child("a").generation == 1


def test_each_stop_waits_for_the_end_of_the_one_before_s45():
    sim = group("a", "b", "c", "d")
    sim.stubborn.update("bd")
    sim.crash("a")
    assert sim.trace == ["stop d"]
    sim.end("d", Shutdown())
    assert sim.trace == ["stop d", "stop c", "stop b"]
    sim.end("b", Shutdown())
    assert sim.trace[3:] == ["start a", "start b", "start c", "start d"]


def test_each_start_waits_for_the_one_before_to_be_ready():
    sim = group("a", "b", "c")
    sim.slow.add("b")
    sim.crash("a")
    assert sim.take_trace() == ["stop c", "stop b", "start a", "start b"]
    sim.ready("b")
    assert sim.trace == ["start c"]


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_group_restart_costs_one_credit_s26(strategy):
    sim = group("a", "b", "c", strategy=strategy, intensity=1)
    sim.crash("a")
    assert sim.machine.window.used == 1
    assert sim.exit is None


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_group_restart_counts_one_crash_and_collateral_for_the_others(strategy):
    sim = group("a", "b", strategy=strategy)
    sim.crash("a")
    assert [(sim.child(id).crashes, sim.child(id).collateral) for id in "ab"] == [(1, 0), (0, 1)]
    assert [(event.path, event.cause) for event in sim.of(ChildRestarting)] == [
        ("root/a", Cause.CRASH),
        ("root/b", Cause.COLLATERAL),
    ]


def test_stopped_finished_and_ignored_children_come_back_s22_pitfall_7():
    sim = group("a", "stopped", stand_in("finished", restart=Restart.TRANSIENT), "ignored")
    sim.terminate_child("stopped")
    sim.end("finished", Normal())
    sim.slow.add("ignored")
    sim.crash("a")
    sim.ignore("ignored")
    sim.slow.clear()
    assert sim.states == {"a": "running", "stopped": "running", "finished": "running", "ignored": "done"}
    sim.crash("a")
    assert set(sim.states.values()) == {"running"}


def test_rest_for_one_revives_only_those_behind_s23():
    sim = group("a", "b", "c", strategy=REST_FOR_ONE)
    sim.terminate_child("a")
    sim.terminate_child("c")
    sim.crash("b")
    assert sim.states == {"a": "stopped", "b": "running", "c": "running"}


@pytest.mark.parametrize("strategy", GROUPED)
def test_temporary_siblings_are_stopped_and_forgotten_s22_pitfall_8(strategy):
    sim = group("a", stand_in("t", restart=Restart.TEMPORARY), "c", strategy=strategy)
    sim.crash("a")
    assert sim.trace == ["stop c", "stop t", "start a", "start c"]
    assert sim.states == {"a": "running", "c": "running"}


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_temporary_sibling_that_crashed_just_before_does_not_come_back(strategy):
    sim = Simulation(
        supervisor(
            "root",
            children=[stand_in("a"), stand_in("t", restart=Restart.TEMPORARY), stand_in("c")],
            strategy=strategy,
        ),
        slow="c",
    ).begin()
    sim.crash("a")
    sim.crash("t")
    sim.slow.clear()
    sim.ready("c")
    assert sim.states == {"a": "running", "c": "running"}
    assert [event.path for event in sim.of(ChildExited) if not event.asked] == ["root/t"]


def test_a_child_that_is_added_again_stands_at_the_end_s23_pitfall_25():
    sim = group(stand_in("t", restart=Restart.TEMPORARY), "a", strategy=REST_FOR_ONE)
    sim.terminate_child("t")
    sim.start_child(stand_in("t"))
    sim.take_trace()
    sim.crash("a")
    assert sim.trace == ["stop t", "start a", "start t"]


def test_a_temporary_child_that_is_added_again_during_a_group_restart_is_not_part_of_it():
    sim = group("a", "b", stand_in("t", restart=Restart.TEMPORARY))
    sim.stubborn.add("b")
    sim.crash("a")
    sim.start_child(stand_in("t", restart=Restart.TEMPORARY))
    sim.end("b", Shutdown())
    assert sim.trace == ["stop t", "stop b", "start t", "start a", "start b"]


def test_a_sibling_that_requests_have_stopped_and_started_is_not_stopped_by_the_group_once_more():
    sim = group("a", "b")
    sim.stubborn.add("b")
    sim.crash("a")
    sim.terminate_child("b")
    sim.restart_child("b")
    sim.end("b", Shutdown())
    assert sim.trace == ["stop b", "start b", "start a"]
    assert sim.states == {"a": "running", "b": "running"}


def test_a_second_casualty_is_part_of_the_same_restart_under_one_for_all_s26_pitfall_10():
    sim = group("a", "b", "c", intensity=1)
    sim.stubborn.add("c")
    sim.crash("a")
    sim.crash("b", ValueError("me too"))
    sim.end("c", Shutdown())
    assert sim.exit is None
    assert sim.machine.window.used == 1
    assert sim.trace == ["stop c", "start a", "start b", "start c"]
    assert ("root/b", "ValueError: me too", False) in [
        (event.path, str(event.exit), event.asked) for event in sim.of(ChildExited)
    ]


@pytest.mark.parametrize(("second", "used"), [("c", 1), ("a", 2)])
def test_a_second_casualty_under_rest_for_one_costs_by_its_place_s26(second, used):
    sim = group("a", "b", "c", "d", strategy=REST_FOR_ONE)
    sim.stubborn.add("d")
    sim.crash("b")
    sim.crash(second)
    sim.stubborn.clear()
    sim.end("d", Shutdown())
    assert sim.machine.window.used == used
    assert set(sim.states.values()) == {"running"}


def test_casualties_of_one_moment_during_a_startup_cost_one_credit_under_one_for_all_s26():
    sim = Simulation(
        supervisor("root", children=[stand_in(id) for id in "abc"], strategy=ONE_FOR_ALL, intensity=1), slow="c"
    ).begin()
    sim.crash("a")
    sim.crash("b")
    sim.slow.clear()
    sim.ready("c")
    assert sim.machine.window.used == 1
    assert sim.exit is None
    assert [event.path for event in sim.of(ChildExited) if not event.asked] == ["root/b"]


def test_a_child_that_crashes_after_its_restart_while_others_still_start_costs_another_credit():
    sim = group("a", "b", intensity=9)
    sim.slow.add("b")
    sim.crash("a")
    sim.crash("a")
    sim.slow.clear()
    sim.take_trace()
    sim.ready("b")
    assert sim.trace == ["stop b", "start a", "start b"]
    assert sim.machine.window.used == 2


def test_a_stop_during_a_group_restart_starts_nothing_more():
    sim = group("a", "b", "c")
    sim.stubborn.add("c")
    sim.crash("b")
    sim.stop()
    sim.end("c", Shutdown())
    assert sim.trace == ["stop c", "stop a", "done"]
    assert sim.exit == Shutdown()


@pytest.mark.parametrize("ask", ["restart_child", "delete_child"])
def test_a_sibling_whose_turn_to_start_has_not_come_again_is_being_restarted_s36(ask):
    sim = group("a", "b", "c")
    sim.slow.add("b")
    sim.crash("a")
    assert sim.states["c"] == "stopped"
    assert isinstance(getattr(sim, ask)("c").result, Restarting)
    sim.ready("b")
    assert sim.states["c"] == "running"


def test_a_sibling_that_is_starting_is_stopped_and_started_with_the_group():
    sim = group("a", "b")
    sim.slow.add("x")
    asked = sim.start_child(stand_in("x"))
    sim.take_trace()
    sim.slow.clear()
    sim.crash("a")
    assert sim.trace == ["stop x", "stop b", "start a", "start b", "start x"]
    assert asked.answered
    assert asked.result is None


def test_the_failure_of_a_doomed_start_does_not_keep_the_group_from_it():
    sim = group("a", "b", "c")
    sim.terminate_child("b")
    sim.slow.add("b")
    asked = sim.restart_child("b")
    sim.stubborn.add("c")
    sim.crash("a")
    sim.fail("b")
    assert str(asked.result) == "root/b did not start: RuntimeError: b did not start"
    sim.slow.clear()
    sim.stubborn.clear()
    sim.end("c", Shutdown())
    assert set(sim.states.values()) == {"running"}
    assert sim.terminate_child("b").answered


def test_a_doomed_start_that_ignores_comes_back_with_the_group():
    sim = group("a", "b", "c")
    sim.terminate_child("b")
    sim.slow.add("b")
    sim.restart_child("b")
    sim.stubborn.add("c")
    sim.crash("a")
    sim.ignore("b")
    sim.slow.clear()
    sim.stubborn.clear()
    sim.end("c", Shutdown())
    assert set(sim.states.values()) == {"running"}
    assert sim.terminate_child("b").answered


def test_a_start_child_that_fails_while_it_is_doomed_is_forgotten_s49():
    sim = group("a", "b")
    sim.slow.add("x")
    started = sim.start_child(stand_in("x"))
    sim.start_child(stand_in("y"))
    sim.stubborn.add("y")
    sim.crash("a")
    terminated = sim.terminate_child("x")
    sim.fail("x")
    sim.stubborn.clear()
    sim.end("y", Shutdown())
    assert "x" not in sim.states
    assert isinstance(started.result, Exception)
    assert terminated.answered


def test_giving_up_by_a_grouped_supervisor_restarts_nobody_s31():
    sim = group("a", "b", intensity=0)
    sim.crash("a")
    assert sim.trace == ["stop b", "done"]
    assert isinstance(sim.exit, Crashed)
