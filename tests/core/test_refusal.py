"""A child that does not end although it was killed: never a second one beside it (D7, pitfall 18)."""

import pytest

from otp.core.roster import KILL_PATIENCE
from otp.errors import ChildRefused, NoProc
from otp.events import ChildExited
from otp.events import ChildRefused as RefusedEvent
from otp.exits import Crashed, Normal, Refused, Shutdown
from otp.spec import Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

GROUPED = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]
PAST = 5.0 + KILL_PATIENCE + 0.1


def tree(*children, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, **options)).begin()
    sim.take_trace()
    return sim


def refused_by_request(ask="terminate_child", id="a", **options):
    sim = tree("a", "b", **options)
    sim.stubborn.add(id)
    asked = getattr(sim, ask)(id)
    sim.pass_time(PAST)
    sim.take_trace()
    return sim, asked


def test_first_asked_then_killed_then_given_up():
    sim = tree("a")
    sim.stubborn.add("a")
    sim.stop()
    sim.pass_time(5.0)
    assert sim.trace == ["stop a", "kill a"]
    assert sim.of(RefusedEvent) == []
    sim.pass_time(KILL_PATIENCE)
    assert [(event.path, event.generation) for event in sim.of(RefusedEvent)] == [("root/a", 1)]
    assert sim.exit == Refused(("root/a",))


def test_the_stop_of_the_others_goes_on():
    sim = tree("a", "b", "c")
    sim.stubborn.add("b")
    sim.stop()
    sim.pass_time(PAST)
    assert sim.trace == ["stop c", "stop b", "kill b", "stop a", "done"]
    assert sim.exit == Refused(("root/b",))


def test_all_who_refused_are_named():
    sim = tree("a", "b")
    sim.stubborn.update("ab")
    sim.stop()
    sim.pass_time(2 * PAST)
    assert sim.exit == Refused(("root/b", "root/a"))


def test_those_who_refused_and_are_not_gone_are_named():
    sim = tree("a", "b")
    sim.stubborn.update("ab")
    for id in "ab":
        sim.terminate_child(id)
    sim.pass_time(PAST)
    sim.end("b")
    sim.stop()
    assert sim.exit == Refused(("root/a",))


def test_dynamic_children_refuse_together():
    sim = Simulation(dynamic_supervisor("root"), stubborn="ab").begin()
    sim.start_child(stand_in("a"))
    sim.start_child(stand_in("b"))
    sim.stop()
    sim.pass_time(PAST)
    assert sim.exit == Refused(("root/a", "root/b"))


def test_a_request_only_fails_and_the_siblings_live():
    sim, asked = refused_by_request()
    assert isinstance(asked.result, ChildRefused)
    assert str(asked.result) == "refused to stop: root/a"
    assert sim.exit is None
    assert sim.states == {"a": "refused", "b": "running"}


def test_a_child_that_ends_after_all_is_down():
    sim, _ = refused_by_request()
    sim.end("a", Normal())
    assert sim.states == {"a": "stopped", "b": "running"}
    assert sim.of(ChildExited)[-1].asked
    assert sim.restart_child("a").answered
    sim.stubborn.clear()
    sim.stop()
    assert sim.exit == Shutdown()


@pytest.mark.parametrize("restart", Restart)
def test_a_dynamic_child_that_ends_after_all_is_forgotten(restart):
    sim = Simulation(dynamic_supervisor("root"), stubborn="a").begin()
    sim.start_child(stand_in("a", restart=restart))
    sim.terminate_child("a")
    sim.pass_time(PAST)
    sim.crash("a")
    assert sim.states == {}


def test_a_temporary_child_that_ends_after_all_is_forgotten():
    sim = tree(stand_in("t", restart=Restart.TEMPORARY))
    sim.stubborn.add("t")
    sim.terminate_child("t")
    sim.pass_time(PAST)
    sim.crash("t")
    assert sim.states == {}


def test_a_restart_that_was_asked_for_is_made_up_for_when_the_child_ends_after_all():
    sim, asked = refused_by_request("restart")
    assert isinstance(asked.result, ChildRefused)
    sim.end("a")
    assert sim.trace == ["start a"]
    assert sim.child("a").manual == 1


def test_a_restart_of_one_that_has_refused_is_made_up_for_too():
    sim, _ = refused_by_request()
    assert isinstance(sim.restart("a").result, ChildRefused)
    sim.end("a")
    assert sim.states["a"] == "running"


def test_terminate_child_cancels_such_a_restart_s48():
    sim, _ = refused_by_request("restart")
    assert isinstance(sim.terminate_child("a").result, ChildRefused)
    sim.end("a")
    assert sim.states["a"] == "stopped"


def test_of_two_requests_that_waited_the_last_decides_about_the_restart():
    sim = tree("a")
    sim.stubborn.add("a")
    sim.restart("a")
    sim.terminate_child("a")
    sim.pass_time(PAST)
    sim.end("a")
    assert sim.states == {"a": "stopped"}


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_group_that_has_to_restart_needs_the_place_and_the_supervisor_gives_up(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.stubborn.add("b")
    sim.crash("a")
    sim.pass_time(PAST)
    assert sim.trace == ["stop b", "kill b", "done"]
    assert sim.exit == Refused(("root/b",))


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_group_restart_that_was_asked_for_fails_with_who_refused(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.stubborn.add("b")
    asked = sim.restart("a")
    sim.pass_time(PAST)
    assert isinstance(asked.result, ChildRefused)
    assert asked.result.paths == ("root/b",)
    assert sim.exit == Refused(("root/b",))


@pytest.mark.parametrize("strategy", GROUPED)
def test_one_that_refused_before_the_group_has_to_restart_ends_the_supervisor_too(strategy):
    sim, _ = refused_by_request(id="b", strategy=strategy)
    sim.crash("a")
    assert "start b" not in sim.trace
    assert sim.exit == Refused(("root/b",))


def test_one_that_refused_and_ends_while_the_group_starts_comes_back_with_it():
    sim = tree("a", "b", "c", strategy=Strategy.ONE_FOR_ALL)
    sim.stubborn.add("c")
    sim.terminate_child("c")
    sim.pass_time(PAST)
    sim.slow.add("b")
    sim.crash("a")
    sim.take_trace()
    sim.end("c")
    assert sim.trace == []
    sim.ready("b")
    assert sim.trace == ["start c"]
    assert set(sim.states.values()) == {"running"}


def test_a_supervisor_that_gave_up_and_was_left_by_all_after_all_can_be_started_afresh():
    sim = tree("a", "b", "c", strategy=Strategy.ONE_FOR_ALL)
    sim.stubborn.update("ac")
    sim.crash("b")
    sim.pass_time(PAST)
    assert sim.trace == ["stop c", "kill c", "stop a"]
    sim.end("c")
    sim.end("a")
    assert isinstance(sim.exit, Crashed)
    assert isinstance(sim.exit.error, ChildRefused)
    assert sim.exit.error.paths == ("root/c",)


def test_one_that_refuses_after_a_start_that_took_too_long_ends_a_startup():
    specs = [stand_in("a"), stand_in("b", start_timeout=1.0)]
    sim = Simulation(supervisor("root", children=specs), slow="b", stubborn="b").begin()
    sim.pass_time(1.0 + PAST)
    assert sim.trace == ["start a", "start b", "stop b", "kill b", "stop a", "done"]
    assert sim.exit == Refused(("root/b",))


def test_one_that_refuses_after_a_restart_that_took_too_long_ends_the_supervisor():
    sim = tree(stand_in("a", start_timeout=1.0))
    sim.slow.add("a")
    sim.stubborn.add("a")
    sim.crash("a")
    sim.pass_time(1.0 + PAST)
    assert sim.exit == Refused(("root/a",))


def test_one_that_refuses_after_a_requested_start_that_took_too_long_only_fails_the_request():
    sim = tree()
    sim.slow.add("a")
    sim.stubborn.add("a")
    asked = sim.start_child(stand_in("a", start_timeout=1.0))
    sim.pass_time(1.0 + PAST)
    assert isinstance(asked.result, ChildRefused)
    assert sim.exit is None
    assert sim.states == {"a": "refused"}


def test_whoever_waits_for_the_start_of_one_that_refuses_to_stop_is_told():
    sim = tree()
    sim.slow.add("a")
    sim.stubborn.add("a")
    started, terminated = sim.start_child(stand_in("a")), sim.terminate_child("a")
    sim.pass_time(PAST)
    assert isinstance(started.result, ChildRefused)
    assert isinstance(terminated.result, ChildRefused)


def test_a_startup_goes_on_without_one_that_was_terminated_and_refused():
    specs = [stand_in("a"), stand_in("b")]
    sim = Simulation(supervisor("root", children=specs), slow="a", stubborn="a").begin()
    sim.terminate_child("a")
    sim.pass_time(PAST)
    assert sim.trace == ["start a", "stop a", "kill a", "start b", "ready"]


@pytest.mark.parametrize("busy", [False, True])
def test_a_supervisor_below_in_which_somebody_refused_is_not_started_again(busy):
    sim = Simulation(supervisor("root", children=[supervisor("below"), stand_in("z")]), slow="z").begin()
    if not busy:
        sim.ready("z")
    sim.tell_end("below", Refused(("root/below/x",)))
    assert sim.trace.count("start below") == 1
    assert sim.exit == Refused(("root/below/x",))


def test_a_supervisor_below_that_was_terminated_and_refused_is_down_when_the_last_has_ended():
    sim = tree(supervisor("below"))
    sim.stubborn.add("below")
    asked = sim.terminate_child("below")
    sim.tell_end("below", Refused(("root/below/x", "root/below/y")))
    assert isinstance(asked.result, ChildRefused)
    assert asked.result.paths == ("root/below/x", "root/below/y")
    sim.end("below", Shutdown())
    assert sim.states == {"below": "stopped"}
    sim.stop()
    assert sim.exit == Shutdown()


def test_a_temporary_supervisor_below_in_which_somebody_refused_does_not_end_the_one_above():
    sim = tree(supervisor("below", restart=Restart.TEMPORARY))
    sim.tell_end("below", Refused(("root/below/x",)))
    assert sim.states == {"below": "refused"}
    assert sim.exit is None


def test_a_supervisor_below_that_refuses_while_it_starts_ends_the_startup():
    sim = Simulation(supervisor("root", children=[stand_in("a"), supervisor("below")]), slow=["below"]).begin()
    sim.tell_end("below", Refused(("root/below/x",)))
    assert sim.exit == Refused(("root/below/x",))


def test_a_start_child_of_a_supervisor_that_refuses_while_it_starts_only_fails():
    sim = tree()
    sim.slow.add("below")
    asked = sim.start_child(supervisor("below"))
    sim.tell_end("below", Refused(("root/below/x",)))
    assert isinstance(asked.result, Exception)
    assert not isinstance(asked.result, NoProc)
    assert sim.exit is None
