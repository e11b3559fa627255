"""The end of a supervisor: order, grace, what is asked meanwhile (S43-S48)."""

import math

import pytest

from otp.errors import NoProc
from otp.events import ChildExited, SupervisorExited, SupervisorStopping
from otp.exits import Crashed, Killed, Normal, Shutdown
from otp.spec import AutoShutdown, Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in


def tree(*children, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, **options)).begin()
    sim.take_trace()
    return sim


@pytest.mark.parametrize("strategy", Strategy)
def test_children_are_stopped_last_first_each_after_the_one_before_s45(strategy):
    sim = tree("a", "b", "c", strategy=strategy)
    sim.stubborn.update("abc")
    sim.stop()
    for id in "cba":
        assert sim.take_trace() == [f"stop {id}"]
        sim.end(id, Shutdown())
    assert sim.trace == ["done"]
    assert sim.exit == Shutdown()


def test_the_events_of_a_stop_frame_it():
    sim = tree("a")
    sim.events.clear()
    sim.stop()
    assert [type(event) for event in sim.events] == [SupervisorStopping, ChildExited, SupervisorExited]
    assert sim.of(ChildExited)[0].asked


def test_dynamic_children_are_stopped_all_at_once_s45_pitfall_16():
    sim = Simulation(dynamic_supervisor("root")).begin()
    for id in "abc":
        sim.start_child(stand_in(id))
    sim.stubborn.update("abc")
    sim.take_trace()
    sim.stop()
    assert sim.trace == ["stop a", "stop b", "stop c"]
    for id in "bca":
        assert sim.exit is None
        sim.end(id, Shutdown())
    assert sim.exit == Shutdown()


def test_a_dynamic_child_that_starts_is_stopped_with_the_others_s45():
    sim = Simulation(dynamic_supervisor("root"), slow="a", stubborn="ab").begin()
    sim.start_child(stand_in("a"))
    sim.start_child(stand_in("b"))
    sim.take_trace()
    sim.stop()
    assert sim.trace == ["stop a", "stop b"]


def test_dynamic_children_that_do_not_end_are_killed_at_the_same_time_s45():
    sim = Simulation(dynamic_supervisor("root"), stubborn="abc").begin()
    for id in "abc":
        sim.start_child(stand_in(id, shutdown=2.0))
    sim.stop()
    sim.take_trace()
    sim.pass_time(2.0)
    assert sim.trace == ["kill a", "kill b", "kill c"]


def test_a_supervisor_without_children_ends_at_once():
    sim = tree()
    sim.stop()
    assert sim.trace == ["done"]


@pytest.mark.parametrize("exit", [Normal(), Shutdown("x"), Crashed(ValueError("in its finally")), Killed()])
@pytest.mark.parametrize("restart", Restart)
def test_however_a_child_ends_when_it_is_stopped_the_stop_goes_on_pitfall_17(restart, exit):
    sim = tree("a", stand_in("b", restart=restart), "c")
    sim.stubborn.add("b")
    sim.stop()
    sim.end("b", exit)
    assert sim.trace == ["stop c", "stop b", "stop a", "done"]
    assert sim.exit == Shutdown()
    assert [event.exit for event in sim.of(ChildExited) if event.path == "root/b"] == [exit]


def test_a_child_that_ends_by_itself_during_the_stop_is_not_stopped_and_not_restarted():
    sim = tree("a", "b", "c")
    sim.stubborn.add("c")
    sim.stop()
    sim.crash("a")
    sim.end("c", Shutdown())
    assert sim.trace == ["stop c", "stop b", "done"]
    assert [(event.path, event.asked) for event in sim.of(ChildExited)] == [
        ("root/a", False),
        ("root/c", True),
        ("root/b", True),
    ]


def test_a_start_that_fails_by_itself_during_the_stop_is_not_tried_again():
    sim = tree("a", "b")
    sim.slow.add("a")
    sim.crash("a")
    sim.stubborn.add("b")
    sim.stop()
    sim.fail("a")
    sim.end("b", Shutdown())
    assert sim.trace == ["start a", "stop b", "done"]


def test_a_start_that_takes_too_long_during_the_stop_is_stopped_when_its_turn_comes():
    sim = tree(stand_in("a", start_timeout=1.0), "b")
    sim.slow.add("a")
    sim.crash("a")
    sim.stubborn.add("b")
    sim.stop()
    sim.pass_time(2.0)
    assert sim.trace == ["start a", "stop b"]
    sim.end("b", Shutdown())
    assert sim.trace == ["start a", "stop b", "stop a", "done"]


def test_a_significant_child_that_ends_during_the_stop_does_not_change_the_reason():
    sim = tree(
        stand_in("a", restart=Restart.TRANSIENT, significant=True), "b", auto_shutdown=AutoShutdown.ANY_SIGNIFICANT
    )
    sim.stubborn.add("b")
    sim.stop(Shutdown("by hand"))
    sim.end("a")
    sim.end("b")
    assert sim.exit == Shutdown("by hand")


def test_a_child_that_is_not_gone_in_its_time_is_killed_s43():
    sim = tree(stand_in("a", shutdown=3.0))
    sim.stubborn.add("a")
    sim.stop()
    sim.pass_time(2.9)
    assert sim.trace == ["stop a"]
    sim.pass_time(0.2)
    assert sim.trace == ["stop a", "kill a"]
    sim.end("a", Killed())
    assert sim.exit == Shutdown()


def test_a_child_that_is_gone_in_time_is_not_killed():
    sim = tree(stand_in("a", shutdown=3.0), stand_in("b", shutdown=0))
    sim.stop()
    assert sim.timers == {}
    sim.pass_time(10.0)
    assert sim.trace == ["stop b", "stop a", "done"]


def test_an_infinite_shutdown_is_never_cut_short_s5():
    sim = tree(stand_in("a", shutdown=math.inf))
    sim.stubborn.add("a")
    sim.stop()
    sim.pass_time(1e9)
    assert sim.trace == ["stop a"]
    assert sim.exit is None


def test_an_infinite_shutdown_needs_no_timer_s5():
    sim = tree(stand_in("a", shutdown=math.inf))
    sim.stubborn.add("a")
    sim.stop()
    assert sim.timers == {}


def test_brutal_kill_asks_nobody_s43():
    sim = tree(stand_in("a", shutdown="brutal_kill"))
    sim.stop()
    assert sim.trace == ["kill a", "done"]
    assert [event.exit for event in sim.of(ChildExited)] == [Killed()]


def test_the_end_of_a_child_tells_whether_it_is_one_that_is_killed_without_being_asked():
    sim = tree(stand_in("a", shutdown="brutal_kill"), "b")
    sim.stop()
    assert [(event.path, event.brutal) for event in sim.of(ChildExited)] == [("root/b", False), ("root/a", True)]


def test_a_brutal_stop_kills_all_at_once():
    sim = tree("a", stand_in("b", shutdown=math.inf), "c")
    sim.stubborn.update("abc")
    sim.stop(Killed(), brutal=True)
    assert sim.trace == ["kill a", "kill b", "kill c"]
    for id in "bac":
        sim.end(id, Killed())
    assert sim.exit == Killed()


def test_a_brutal_stop_hurries_one_that_is_under_way_and_is_the_reason():
    sim = tree("a", stand_in("b", shutdown=math.inf))
    sim.stubborn.update("ab")
    sim.stop()
    sim.stop(Killed(), brutal=True)
    assert sim.trace == ["stop b", "kill a", "kill b"]
    sim.end("b", Killed())
    sim.end("a", Killed())
    assert sim.exit == Killed()


def test_a_brutal_stop_does_not_hide_why_a_supervisor_gave_up():
    sim = tree("a", "b", intensity=0)
    sim.stubborn.add("a")
    sim.crash("b")
    sim.stop(Killed(), brutal=True)
    sim.end("a", Killed())
    assert isinstance(sim.exit, Crashed)


def test_a_second_stop_changes_nothing():
    sim = tree("a")
    sim.stubborn.add("a")
    sim.stop(Shutdown("first"))
    sim.stop(Shutdown("second"))
    sim.end("a")
    sim.stop()
    assert sim.trace == ["stop a", "done"]
    assert sim.exit == Shutdown("first")


@pytest.mark.parametrize("ask", ["terminate_child", "restart_child", "delete_child", "restart"])
def test_a_supervisor_that_stops_or_has_ended_answers_noproc_s47(ask):
    sim = tree("a")
    sim.stubborn.add("a")
    sim.stop()
    assert isinstance(getattr(sim, ask)("a").result, NoProc)
    assert isinstance(sim.start_child(stand_in("x")).result, NoProc)
    sim.end("a")
    assert isinstance(getattr(sim, ask)("a").result, NoProc)
    assert str(sim.start_child(stand_in("x")).result) == "root: the supervisor is not running"


def test_whoever_waits_when_the_stop_begins_is_told_noproc_s47():
    sim = tree("a")
    sim.slow.add("x")
    sim.stubborn.add("a")
    asked = [sim.start_child(stand_in("x")), sim.terminate_child("a"), sim.delete_child("a")]
    sim.stop()
    assert [type(request.result) for request in asked] == [NoProc, NoProc, NoProc]


def test_a_child_that_is_on_its_way_down_is_not_told_a_second_time():
    sim = tree("a", "b")
    sim.stubborn.add("b")
    sim.terminate_child("b")
    sim.stop()
    assert sim.trace == ["stop b"]
    sim.end("b")
    assert sim.trace == ["stop b", "stop a", "done"]


def test_a_dynamic_child_that_is_on_its_way_down_is_not_told_a_second_time():
    sim = Simulation(dynamic_supervisor("root"), stubborn="a").begin()
    sim.start_child(stand_in("a"))
    sim.terminate_child("a")
    sim.stop()
    assert sim.trace.count("stop a") == 1


def test_a_killed_supervisor_below_has_no_time_limit():
    sim = tree(supervisor("below", shutdown=2.0))
    sim.stubborn.add("below")
    sim.stop()
    sim.pass_time(1000.0)
    assert sim.trace == ["stop below", "kill below"]
    assert sim.exit is None
