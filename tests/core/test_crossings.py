"""Ends, requests and timers that meet each other: nobody is forgotten and nobody comes back twice."""

import pytest

from otp.core import inputs
from otp.core.roster import KILL_PATIENCE
from otp.errors import ChildRefused, StartError, StartTimeout
from otp.events import ChildExited
from otp.exits import Refused, Shutdown
from otp.spec import Restart, Strategy, supervisor
from tests.simulation import Simulation, stand_in

PAST = 5.0 + KILL_PATIENCE + 0.1


def tree(*children, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    return Simulation(supervisor("root", children=specs, **options)).begin()


def starting(*children, slow, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    return Simulation(supervisor("root", children=specs, **options), slow=slow).begin()


def test_a_restart_that_fails_during_the_startup_does_not_end_the_startup():
    sim = starting("a", "b", slow="b")
    sim.slow.add("a")
    sim.restart("a")
    sim.fail("a")
    sim.ready("b")
    assert sim.trace[-1] == "ready"
    assert sim.states == {"a": "failed", "b": "running"}


def test_an_end_that_waits_for_its_decision_shows_no_value_and_counts_from_when_it_came():
    sim = starting("a", "b", slow="ab")
    sim.ready("a", "port 80")
    sim.crash("a")
    assert sim.child("a").value is None
    sim.pass_time(3.0)
    sim.ready("b")
    sim.ready("a")
    assert sim.child("a").downtime == 3.0


def test_a_casualty_that_came_before_its_turn_obeys_as_before_when_it_is_up_again():
    sim = tree("a", "b", "c", strategy=Strategy.ONE_FOR_ALL)
    sim.stubborn.add("c")
    sim.crash("a")
    waiting = sim.terminate_child("b")
    sim.crash("b")
    assert waiting.answered
    sim.stubborn.clear()
    sim.end("c", Shutdown())
    assert sim.states == {"a": "running", "b": "stopped", "c": "running"}
    sim.restart_child("b")
    sim.crash("a")
    assert sim.terminate_child("b").answered


def test_a_terminated_child_shows_no_value():
    sim = tree()
    sim.slow.add("a")
    sim.start_child(stand_in("a"))
    sim.ready("a", "port 80")
    sim.terminate_child("a")
    assert sim.child("a").value is None


@pytest.mark.parametrize(("ask", "trace"), [("terminate_child", ["start b", "ready"]), ("restart", ["start a"])])
def test_a_request_decides_what_follows_a_start_that_took_too_long(ask, trace):
    sim = starting(stand_in("a", start_timeout=1.0), "b", slow="a")
    sim.stubborn.add("a")
    sim.pass_time(1.0)
    asked = getattr(sim, ask)("a")
    sim.take_trace()
    sim.end("a", Shutdown())
    assert sim.trace == trace
    assert sim.exit is None
    assert asked.answered == (ask == "terminate_child")


@pytest.mark.parametrize("ask", ["delete_child", "restart_child"])
def test_a_request_that_only_waits_does_not_save_a_startup(ask):
    sim = starting(stand_in("a", start_timeout=1.0), "b", slow="a")
    sim.stubborn.add("a")
    sim.pass_time(1.0)
    asked = getattr(sim, ask)("a")
    sim.end("a", Shutdown())
    assert str(sim.exit).startswith("StartTimeout")
    assert asked.answered


def test_whoever_waits_for_a_start_that_a_restart_cuts_short_is_told():
    sim = tree()
    sim.slow.add("a")
    started = sim.start_child(stand_in("a"))
    sim.restart("a")
    assert isinstance(started.result, StartError)
    assert str(started.result).endswith("it was stopped while it was starting")


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
def test_whoever_waits_for_the_start_of_a_temporary_child_that_a_group_restart_stops_is_told(strategy):
    sim = tree("a", strategy=strategy)
    sim.slow.add("t")
    started = sim.start_child(stand_in("t", restart=Restart.TEMPORARY))
    sim.crash("a")
    assert isinstance(started.result, StartError)
    assert sim.states == {"a": "running"}


@pytest.mark.parametrize("stop", [False, True])
def test_a_start_by_request_that_took_too_long_fails_also_when_its_group_is_stopped_meanwhile_s49(stop):
    sim = tree("a", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.add("x")
    sim.stubborn.add("x")
    started = sim.start_child(stand_in("x", start_timeout=1.0))
    sim.pass_time(1.0)
    if stop:
        sim.stop()
    else:
        sim.crash("a")
    sim.end("x", Shutdown())
    assert sim.states == {"a": "stopped" if stop else "running"}
    assert sim.exit == (Shutdown() if stop else None)
    assert stop or isinstance(started.result, StartTimeout)


def test_a_child_revived_after_its_refusal_is_not_revived_again():
    sim = tree("a")
    sim.stubborn.add("a")
    sim.restart("a")
    sim.pass_time(PAST)
    sim.stubborn.clear()
    sim.end("a")
    assert sim.states == {"a": "running"}
    sim.terminate_child("a")
    assert sim.states == {"a": "stopped"}


def test_a_restart_that_was_made_up_for_is_not_made_up_for_after_the_next_refusal():
    sim = tree(stand_in("a", start_timeout=1.0))
    sim.stubborn.add("a")
    sim.restart("a")
    sim.pass_time(PAST)
    sim.stubborn.clear()
    sim.end("a")
    sim.terminate_child("a")
    sim.slow.add("a")
    sim.stubborn.add("a")
    sim.restart_child("a")
    sim.pass_time(1.0 + PAST)
    sim.end("a")
    assert sim.states == {"a": "stopped"}


def test_a_group_needs_the_place_of_one_that_refuses_also_if_it_was_terminated_meanwhile():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.stubborn.add("b")
    sim.crash("a")
    terminated = sim.terminate_child("b")
    sim.pass_time(PAST)
    assert isinstance(terminated.result, ChildRefused)
    assert sim.exit == Refused(("root/b",))


def test_whoever_asked_for_a_restart_of_a_group_is_told_when_its_start_is_terminated_and_refuses():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.add("a")
    restarted = sim.restart("a")
    sim.stubborn.add("a")
    sim.terminate_child("a")
    sim.pass_time(PAST)
    assert isinstance(restarted.result, ChildRefused)
    assert sim.states == {"a": "refused", "b": "running"}


def test_a_start_by_request_that_refused_is_forgotten_when_it_ends_after_all_s49():
    sim = tree()
    sim.slow.add("a")
    sim.stubborn.add("a")
    started = sim.start_child(stand_in("a", start_timeout=1.0))
    sim.pass_time(1.0 + PAST)
    sim.end("a")
    assert isinstance(started.result, ChildRefused)
    assert sim.states == {}


def test_a_start_by_request_that_refused_is_revived_if_that_was_asked_for():
    sim = tree()
    sim.slow.add("a")
    sim.stubborn.add("a")
    sim.start_child(stand_in("a", start_timeout=1.0))
    sim.pass_time(1.0 + PAST)
    sim.restart("a")
    sim.end("a")
    assert sim.states == {"a": "starting"}


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ONE, Strategy.ONE_FOR_ALL])
def test_a_child_that_ends_after_its_supervisor_has_ended_changes_nothing(strategy):
    sim = tree("a", strategy=strategy)
    sim.stubborn.add("a")
    sim.stop()
    sim.pass_time(PAST)
    sim.take_trace()
    sim.crash("a")
    assert sim.trace == []
    assert sim.of(ChildExited)[-1].path == "root/a"


def test_the_end_of_a_child_is_not_taken_for_that_of_another_of_its_name():
    sim = starting(stand_in("t", restart=Restart.TEMPORARY), "b", slow="b")
    sim.crash("t")
    sim.terminate_child("t")
    sim.start_child(stand_in("t", restart=Restart.TEMPORARY))
    sim.ready("b")
    assert sim.states == {"b": "running", "t": "running"}


def test_the_end_of_a_child_is_not_taken_for_a_request_about_it():
    sim = starting("a", "b", slow="b", strategy=Strategy.ONE_FOR_ALL)
    sim.restart("a")
    sim.crash("a", ValueError("of a"))
    sim.terminate_child("a")
    assert [str(event.exit) for event in sim.of(ChildExited)] == ["ValueError: of a"]


@pytest.mark.parametrize("strategy", Strategy)
def test_terminate_child_takes_back_a_restart_that_still_waits_for_the_startup(strategy):
    sim = starting("a", "b", "c", slow="a", strategy=strategy)
    restarts = [sim.restart("b"), sim.restart("c")]
    sim.terminate_child("b")
    assert isinstance(restarts[0].result, StartError)
    sim.slow.clear()
    sim.ready("a")
    assert restarts[1].answered
    assert sim.states["b"] == ("running" if strategy is Strategy.ONE_FOR_ALL else "stopped")


def test_whoever_waits_for_a_start_is_told_when_it_is_terminated_in_a_group_restart():
    sim = tree("a", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.add("x")
    sim.stubborn.add("x")
    started = sim.start_child(stand_in("x"))
    sim.crash("a")
    terminated = sim.terminate_child("x")
    sim.end("x", Shutdown())
    assert isinstance(started.result, StartError)
    assert terminated.answered
    assert sim.states == {"a": "running", "x": "stopped"}


def test_a_temporary_child_that_is_terminated_before_its_turn_is_forgotten_s50():
    sim = starting("a", stand_in("t", restart=Restart.TEMPORARY), slow="a")
    sim.terminate_child("t")
    assert sim.states == {"a": "starting"}


def test_a_supervisor_that_ends_keeps_nothing_of_what_was_undecided():
    sim = starting("a", "b", slow="b")
    sim.crash("a")
    sim.restart("a")
    sim.stop()
    assert not sim.machine.deferred
    assert sim.states == {"a": "stopped", "b": "stopped"}


def test_a_brutal_stop_does_not_kill_one_that_has_refused_a_second_time():
    sim = tree("a", "b")
    sim.stubborn.add("a")
    sim.terminate_child("a")
    sim.pass_time(PAST)
    sim.take_trace()
    sim.stop(brutal=True)
    assert sim.trace == ["kill b", "done"]


@pytest.mark.parametrize("again", [inputs.Exited, inputs.StartFailed])
def test_an_end_that_is_told_twice_counts_once(again):
    sim = tree("a")
    sim.terminate_child("a")
    sim.take_trace()
    sim.tell(again("a", 1, Shutdown()))
    assert sim.take_trace() == []
    assert sim.states == {"a": "stopped"}
