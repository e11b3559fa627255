"""Starting a supervisor: in order, each child waited for; a failure undoes what was done (S11-S14)."""

import pytest

from otp.core import inputs
from otp.errors import StartError, StartTimeout
from otp.events import ChildExited, ChildIgnored, ChildStarted, ChildStartFailed, SupervisorExited, SupervisorStarted
from otp.exits import Crashed, Normal, Shutdown
from otp.spec import Restart, supervisor
from tests.simulation import Simulation, stand_in


def tree(*children, **options):
    return supervisor("root", children=[c if not isinstance(c, str) else stand_in(c) for c in children], **options)


def test_children_start_in_order_and_each_waits_for_the_one_before():
    sim = Simulation(tree("a", "b"), slow="ab").begin()
    assert sim.trace == ["start a"]
    assert sim.states == {"a": "starting", "b": "pending"}
    assert sim.machine.phase == "starting"
    sim.ready("a")
    assert sim.trace == ["start a", "start b"]
    sim.ready("b")
    assert sim.trace == ["start a", "start b", "ready"]
    assert sim.machine.phase == "up"


def test_a_child_that_does_not_say_when_it_is_ready_is_not_waited_for():
    sim = Simulation(tree(stand_in("a", ready=False), "b"), slow="b").begin()
    assert sim.trace == ["start a", "start b"]
    assert sim.states == {"a": "running", "b": "starting"}


def test_a_supervisor_without_children_is_ready_at_once():
    sim = Simulation(tree()).begin()
    assert sim.trace == ["ready"]
    assert sim.of(SupervisorStarted)[0].path == "root"


def test_a_child_that_is_a_supervisor_is_waited_for():
    sim = Simulation(tree(supervisor("below"), "b"), slow=["below"]).begin()
    assert sim.trace == ["start below"]


def test_the_value_of_a_start_is_kept_while_the_child_is_up():
    sim = Simulation(tree("a"), slow="a").begin()
    sim.ready("a", "port 80")
    assert sim.child("a").value == "port 80"
    sim.crash("a")
    assert sim.child("a").value is None


def test_a_failed_start_stops_those_before_it_in_reverse_order_s13():
    error = ValueError("no licence")
    sim = Simulation(tree("a", "b", "c", "d"), slow="c").begin()
    sim.take_trace()
    sim.fail("c", error)
    assert sim.trace == ["stop b", "stop a", "done"]
    assert sim.states == {"a": "stopped", "b": "stopped", "c": "stopped", "d": "pending"}
    assert isinstance(sim.exit, Crashed)
    assert isinstance(sim.exit.error, StartError)
    assert sim.exit.error.path == "root/c"
    assert sim.exit.error.__cause__ is error
    assert str(sim.exit.error) == "root/c did not start: ValueError: no licence"


def test_a_failed_start_is_never_tried_again_and_costs_nothing_s13():
    sim = Simulation(tree("a", intensity=9), failing="a").begin()
    assert sim.trace == ["start a", "done"]
    assert sim.machine.window.used == 0
    assert len(sim.of(ChildStartFailed)) == 1


def test_a_child_that_returns_before_it_is_ready_has_failed_to_start():
    sim = Simulation(tree("a"), slow="a").begin()
    sim.end("a", Normal())
    assert str(sim.exit) == "StartError: root/a did not start: it returned before task_status.started()"


def test_a_child_that_ends_itself_before_it_is_ready_has_failed_to_start():
    sim = Simulation(tree("a"), slow="a").begin()
    sim.end("a", Shutdown("no work"))
    assert str(sim.exit) == "StartError: root/a did not start: shutdown (no work)"


def test_a_child_that_crashes_while_others_start_is_restarted_when_they_have_s14():
    sim = Simulation(tree("a", "b"), slow="b").begin()
    sim.crash("a")
    assert sim.trace == ["start a", "start b"]
    assert sim.states == {"a": "exited", "b": "starting"}
    sim.ready("b")
    assert sim.trace == ["start a", "start b", "ready", "start a"]
    assert sim.machine.window.used == 1


def test_all_that_crash_while_others_start_are_restarted_when_they_have_s14():
    sim = Simulation(tree(stand_in("a", ready=False), stand_in("b", ready=False), "c"), slow="c").begin()
    sim.crash("b")
    sim.crash("a")
    sim.take_trace()
    sim.ready("c")
    assert sim.trace == ["ready", "start b", "start a"]


def test_a_restart_child_that_fails_lets_a_startup_that_waits_for_the_child_go_on():
    sim = Simulation(tree("a", "b"), slow="a", stubborn="a").begin()
    sim.terminate_child("a")
    sim.restart_child("a")
    sim.end("a", Shutdown())
    sim.fail("a")
    assert sim.trace == ["start a", "stop a", "start a", "start b", "ready"]
    assert sim.states == {"a": "stopped", "b": "running"}


def test_a_startup_does_not_go_on_past_a_child_that_requests_stop_and_start():
    sim = Simulation(tree("a", "b"), slow="a", stubborn="a").begin()
    sim.restart("a")
    sim.restart("a")
    sim.end("a", Shutdown())
    sim.end("a", Shutdown())
    assert sim.trace == ["start a", "stop a", "start a", "stop a", "start a"]
    sim.ready("a")
    assert sim.trace[-2:] == ["start b", "ready"]


def test_a_child_that_ends_for_good_while_others_start_is_forgotten_when_they_have():
    sim = Simulation(tree(stand_in("a", restart=Restart.TEMPORARY), "b"), slow="b").begin()
    sim.crash("a")
    sim.ready("b")
    assert sim.states == {"b": "running"}
    assert [event.asked for event in sim.of(ChildExited)] == [False]


def test_an_end_during_a_start_that_fails_is_still_told():
    sim = Simulation(tree("a", "b"), slow="b").begin()
    sim.crash("a", ValueError("early"))
    sim.fail("b")
    assert [(event.path, str(event.exit)) for event in sim.of(ChildExited)] == [("root/a", "ValueError: early")]


def test_ignore_leaves_a_child_out_and_goes_on_s12():
    sim = Simulation(tree("a", "b"), slow="a").begin()
    sim.ignore("a")
    assert sim.trace == ["start a", "start b", "ready"]
    assert sim.states == {"a": "done", "b": "running"}
    assert sim.of(ChildIgnored)[0].path == "root/a"


def test_a_temporary_child_that_ignores_is_forgotten_s12():
    sim = Simulation(tree(stand_in("a", restart=Restart.TEMPORARY)), slow="a").begin()
    sim.ignore("a")
    assert sim.states == {}


def test_a_start_that_takes_too_long_is_stopped_and_has_failed():
    sim = Simulation(tree("a", stand_in("b", start_timeout=3.0)), slow="b").begin()
    sim.pass_time(2.9)
    assert sim.take_trace() == ["start a", "start b"]
    sim.pass_time(0.1)
    assert sim.trace == ["stop b", "stop a", "done"]
    assert isinstance(sim.exit, Crashed)
    assert isinstance(sim.exit.error, StartTimeout)
    assert str(sim.exit.error) == "root/b did not start: not ready within start_timeout=3 s"


def test_a_start_in_time_disarms_the_timer():
    sim = Simulation(tree(stand_in("a", start_timeout=3.0)), slow="a").begin()
    sim.ready("a")
    assert sim.timers == {}
    sim.pass_time(10.0)
    assert sim.trace == ["start a", "ready"]


@pytest.mark.parametrize("end", ["fail", "ignore"])
def test_a_start_that_ends_otherwise_disarms_the_timer(end):
    sim = Simulation(tree(), slow="a").begin()
    sim.start_child(stand_in("a", start_timeout=3.0))
    getattr(sim, end)("a")
    assert sim.timers == {}


def test_a_start_that_is_stopped_has_only_its_time_to_stop_left():
    sim = Simulation(tree(stand_in("a", start_timeout=3.0, shutdown=9.0)), slow="a", stubborn="a").begin()
    sim.pass_time(1.0)
    sim.stop()
    assert [(timer.kind, at) for timer, at in sim.timers.items()] == [("shutdown", 10.0)]


def test_a_supervisor_below_whose_child_took_too_long_has_failed_to_start_itself():
    sim = Simulation(tree(supervisor("below")), slow=["below"]).begin()
    late = StartTimeout("root/below/x", 3.0)
    sim.fail("below", late)
    assert isinstance(sim.exit, Crashed)
    assert isinstance(sim.exit.error, StartError)
    assert sim.exit.error.path == "root/below"
    assert sim.exit.error.__cause__ is late


def test_becoming_ready_after_the_time_was_over_does_not_help():
    sim = Simulation(tree(stand_in("a", start_timeout=3.0)), slow="a", stubborn="a").begin()
    sim.pass_time(3.0)
    sim.ready("a")
    assert sim.states == {"a": "stopping"}
    sim.end("a", Shutdown())
    assert str(sim.exit).startswith("StartTimeout: root/a did not start")


def test_a_stop_during_the_start_stops_what_is_up_and_starts_nothing_more():
    sim = Simulation(tree("a", "b", "c"), slow="b").begin()
    sim.stop()
    assert sim.trace == ["start a", "start b", "stop b", "stop a", "done"]
    assert sim.exit == Shutdown()


@pytest.mark.parametrize("kind", [inputs.Exited, inputs.StartFailed])
def test_what_an_older_incarnation_says_means_nothing(kind):
    sim = Simulation(tree("a")).begin()
    sim.crash("a")
    seen = len(sim.events)
    sim.tell(kind("a", 1, Crashed(ValueError())))
    sim.tell(inputs.Started("a", 1, "late"))
    sim.tell(inputs.Ignored("a", 1))
    sim.tell(kind("nobody", 1, Crashed(ValueError())))
    sim.tell(inputs.TimerFired(inputs.Timer("a", 1, inputs.TimerKind.SHUTDOWN)))
    sim.tell(inputs.TimerFired(inputs.Timer("nobody", 1, inputs.TimerKind.START)))
    assert sim.states == {"a": "running"}
    assert len(sim.events) == seen


def test_events_name_paths_generations_and_times():
    sim = Simulation(tree("a")).begin()
    sim.pass_time(7.0)
    sim.stop()
    assert [(event.path, event.at, event.generation, event.downtime) for event in sim.of(ChildStarted)] == [
        ("root/a", 0.0, 1, None)
    ]
    assert [(event.path, event.at, event.exit) for event in sim.of(SupervisorExited)] == [("root", 7.0, Shutdown())]
