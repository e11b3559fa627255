"""`restart`: stop, wait until it is gone, start afresh; manual, and at no cost in intensity."""

import pytest

from otp.errors import NoProc, NotSupported, StartError
from otp.events import Cause, ChildRestarting
from otp.exits import Shutdown
from otp.spec import Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

GROUPED = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]


def tree(*children, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, **options)).begin()
    sim.take_trace()
    return sim


def test_a_running_child_is_stopped_and_started_and_its_value_is_the_answer():
    sim = tree("a", "b", intensity=0)
    sim.slow.add("a")
    asked = sim.restart("a")
    assert not asked.answered
    sim.ready("a", "new")
    assert asked.result == "new"
    assert sim.trace == ["stop a", "start a"]
    assert sim.machine.window.used == 0
    assert (sim.child("a").manual, sim.child("a").crashes) == (1, 0)
    assert sim.of(ChildRestarting)[0].cause is Cause.MANUAL


def test_the_new_incarnation_waits_for_the_end_of_the_old():
    sim = tree("a")
    sim.stubborn.add("a")
    sim.restart("a")
    assert sim.trace == ["stop a"]
    sim.end("a", Shutdown())
    assert sim.trace == ["stop a", "start a"]


@pytest.mark.parametrize("down", ["terminate_child", "end"])
def test_a_child_that_is_down_is_only_started(down):
    sim = tree(stand_in("a", restart=Restart.TRANSIENT))
    getattr(sim, down)("a")
    sim.take_trace()
    assert sim.restart("a").result is None
    assert sim.trace == ["start a"]


def test_one_for_all_takes_all_siblings_along():
    sim = tree("a", "b", "c", strategy=Strategy.ONE_FOR_ALL, intensity=0)
    asked = sim.restart("b")
    assert asked.answered
    assert sim.trace == ["stop c", "stop b", "stop a", "start a", "start b", "start c"]
    assert [(sim.child(id).manual, sim.child(id).collateral) for id in "abc"] == [(0, 1), (1, 0), (0, 1)]


def test_rest_for_one_takes_those_behind_along():
    sim = tree("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    sim.restart("b")
    assert sim.trace == ["stop c", "stop b", "start b", "start c"]


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_group_restart_answers_with_the_value_of_the_child_that_was_meant(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.slow.update("ab")
    asked = sim.restart("a")
    sim.ready("a", "mine")
    assert not asked.answered
    sim.ready("b", "other")
    assert asked.result == "mine"


def test_a_temporary_child_is_never_restarted():
    sim = tree(stand_in("t", restart=Restart.TEMPORARY))
    result = sim.restart("t").result
    assert isinstance(result, NotSupported)
    assert "temporary children, which are never restarted" in str(result)


def test_a_dynamic_child_can_be_restarted():
    sim = Simulation(dynamic_supervisor("root")).begin()
    sim.start_child(stand_in("a"))
    assert sim.restart("a").answered
    assert sim.states == {"a": "running"}


def test_a_child_on_its_way_down_is_restarted_when_it_is_gone():
    sim = tree("a")
    sim.stubborn.add("a")
    terminated, restarted = sim.terminate_child("a"), sim.restart("a")
    sim.end("a")
    assert terminated.answered
    assert restarted.answered
    assert sim.states == {"a": "running"}


def test_terminate_after_restart_wins():
    sim = tree("a")
    sim.stubborn.add("a")
    restarted, terminated = sim.restart("a"), sim.terminate_child("a")
    sim.stubborn.clear()
    sim.end("a")
    assert restarted.answered
    assert terminated.answered
    assert sim.states == {"a": "stopped"}


@pytest.mark.parametrize("strategy", GROUPED)
def test_terminating_the_child_that_a_group_restart_was_asked_for_fails_the_restart(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.stubborn.add("a")
    restarted = sim.restart("a")
    terminated = sim.terminate_child("a")
    sim.end("a", Shutdown())
    assert terminated.answered
    assert isinstance(restarted.result, StartError)
    assert sim.states == {"a": "stopped", "b": "running"}


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_restart_during_a_group_restart_comes_after_it(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.slow.add("b")
    sim.crash("a")
    sim.take_trace()
    asked = sim.restart("a")
    sim.slow.clear()
    assert sim.trace == []
    sim.ready("b")
    assert sim.trace == ["stop b", "stop a", "start a", "start b"]
    assert asked.answered


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ONE, *GROUPED])
def test_restarting_the_child_that_a_startup_waits_for_begins_its_start_anew(strategy):
    specs = [stand_in("a"), stand_in("b")]
    sim = Simulation(supervisor("root", children=specs, strategy=strategy), slow="a").begin()
    asked = sim.restart("a")
    assert sim.trace == ["start a", "stop a", "start a"]
    sim.ready("a", "second")
    assert asked.result == "second"
    assert sim.trace[3:] == ["start b", "ready"]


def test_a_startup_still_fails_when_the_start_that_was_begun_anew_fails_s13():
    sim = Simulation(supervisor("root", children=[stand_in("a")]), slow="a").begin()
    asked = sim.restart("a")
    sim.fail("a")
    assert isinstance(asked.result, StartError)
    assert sim.exit is not None


def test_restarting_one_that_is_up_while_another_starts_does_not_wait_one_for_one():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="b").begin()
    assert sim.restart("a").answered
    assert sim.trace == ["start a", "start b", "stop a", "start a"]


def test_restarting_one_whose_turn_has_not_come_waits_for_the_startup():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="a").begin()
    asked = sim.restart("b")
    assert not asked.answered
    sim.ready("a")
    assert asked.answered
    assert sim.trace == ["start a", "start b", "ready", "stop b", "start b"]


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ONE, *GROUPED])
def test_a_stop_answers_a_restart_that_waits_s47(strategy):
    sim = tree("a", strategy=strategy)
    sim.stubborn.add("a")
    asked = sim.restart("a")
    sim.stop()
    assert isinstance(asked.result, NoProc)
    sim.end("a")
    assert sim.exit == Shutdown()


def test_a_stop_answers_a_restart_that_waits_for_the_startup_s47():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="a").begin()
    asked = sim.restart("b")
    sim.stop()
    assert isinstance(asked.result, NoProc)


def test_terminate_child_takes_back_a_restart_that_waits_for_the_startup_also_when_the_child_is_up():
    specs = [stand_in(id) for id in "abc"]
    sim = Simulation(supervisor("root", children=specs), slow="ac", stubborn="b").begin()
    restarted = sim.restart("b")
    sim.ready("a")
    sim.terminate_child("b")
    assert isinstance(restarted.result, StartError)
    sim.ready("c")
    sim.end("b", Shutdown())
    assert sim.states == {"a": "running", "b": "stopped", "c": "running"}


def test_a_child_on_its_way_down_is_not_told_a_second_time():
    sim = tree("a")
    sim.stubborn.add("a")
    sim.terminate_child("a")
    sim.restart("a")
    assert sim.trace == ["stop a"]
