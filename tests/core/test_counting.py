"""Three counters and the downtime; they belong to a path and survive the supervisor above."""

from otp.core.machine import SupervisorMachine
from otp.events import ChildRestarting, ChildStarted
from otp.spec import Restart, Strategy, supervisor
from tests.simulation import Simulation, stand_in


def tree(*children, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    return Simulation(supervisor("root", children=specs, **options)).begin()


def counters(child):
    return child.crashes, child.manual, child.collateral


def test_crashes_manual_and_collateral_restarts_are_counted_apart():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.crash("a")
    sim.restart("a")
    sim.crash("b")
    assert counters(sim.child("a")) == (1, 1, 1)
    assert counters(sim.child("b")) == (1, 0, 2)


def test_terminating_and_starting_by_request_is_no_restart():
    sim = tree("a")
    sim.terminate_child("a")
    sim.restart_child("a")
    assert counters(sim.child("a")) == (0, 0, 0)
    assert sim.child("a").generation == 2


def test_downtime_is_from_the_end_to_being_ready_again():
    sim = tree("a")
    sim.slow.add("a")
    sim.pass_time(10.0)
    sim.crash("a")
    sim.pass_time(2.0)
    sim.fail("a")
    sim.pass_time(3.0)
    sim.ready("a")
    assert sim.child("a").downtime == 5.0
    assert [event.downtime for event in sim.of(ChildStarted)] == [None, 5.0]


def test_downtime_adds_up():
    sim = tree("a")
    sim.slow.add("a")
    for seconds in (1.0, 2.0):
        sim.crash("a")
        sim.pass_time(seconds)
        sim.ready("a")
    assert sim.child("a").downtime == 3.0


def test_the_downtime_of_a_sibling_is_from_its_stop_to_its_start():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.slow.update("ab")
    sim.crash("a")
    sim.pass_time(1.0)
    sim.ready("a")
    sim.pass_time(2.0)
    sim.ready("b")
    assert (sim.child("a").downtime, sim.child("b").downtime) == (1.0, 3.0)


def test_the_downtime_of_a_restart_by_request_counts_from_the_end():
    sim = tree("a")
    sim.stubborn.add("a")
    sim.restart("a")
    sim.pass_time(4.0)
    sim.slow.add("a")
    sim.end("a")
    sim.pass_time(1.5)
    sim.ready("a")
    assert sim.child("a").downtime == 1.5


def test_time_down_on_request_is_no_downtime():
    sim = tree("a", stand_in("t", restart=Restart.TRANSIENT))
    sim.terminate_child("a")
    sim.end("t")
    sim.pass_time(100.0)
    sim.restart_child("a")
    sim.restart_child("t")
    assert (sim.child("a").downtime, sim.child("t").downtime) == (0.0, 0.0)


def test_time_after_an_ignored_restart_or_a_failed_request_is_no_downtime():
    sim = tree("a", stand_in("b", start_timeout=1.0))
    sim.slow.add("a")
    sim.crash("a")
    sim.ignore("a")
    sim.terminate_child("b")
    sim.slow.add("b")
    sim.restart_child("b")
    sim.pass_time(100.0)
    sim.slow.clear()
    sim.restart_child("a")
    sim.restart_child("b")
    assert (sim.child("a").downtime, sim.child("b").downtime) == (0.0, 0.0)


def test_the_downtime_of_a_child_that_a_group_revives_begins_with_its_failed_start():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.terminate_child("b")
    sim.pass_time(100.0)
    sim.slow.add("b")
    sim.crash("a")
    sim.fail("b")
    sim.pass_time(2.0)
    sim.ready("b")
    assert sim.child("b").downtime == 2.0


def test_a_restart_event_tells_how_much_of_the_window_is_used():
    sim = tree("a", intensity=5, period=7.0)
    sim.crash("a")
    sim.crash("a")
    told = [(event.generation, event.used, event.intensity, event.period) for event in sim.of(ChildRestarting)]
    assert told == [(2, 1, 5, 7.0), (3, 2, 5, 7.0)]


def test_a_supervisor_that_is_restarted_goes_on_with_the_counters_of_its_children():
    sim = tree("a", "b")
    sim.slow.add("a")
    sim.crash("a")
    sim.pass_time(2.5)
    sim.ready("a")
    sim.slow.clear()
    sim.restart("a")
    sim.terminate_child("b")
    sim.stop()
    heir = SupervisorMachine(sim.machine.spec, "")
    heir.inherit(sim.machine.children)
    assert counters(heir.children["a"]) == (1, 1, 1)
    assert heir.children["a"].downtime == 2.5
    assert heir.children["a"].generation == 3
    assert heir.children["a"].down_since == 2.5
    assert heir.children["b"].down_since is None


def test_a_child_that_never_ran_has_no_collateral_restart():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="a").begin()
    sim.stop()
    heir = SupervisorMachine(sim.machine.spec, "")
    heir.inherit(sim.machine.children)
    assert counters(heir.children["a"]) == (0, 0, 1)
    assert counters(heir.children["b"]) == (0, 0, 0)


def test_children_that_came_by_request_leave_nothing_behind():
    sim = tree("a")
    sim.start_child(stand_in("x"))
    sim.stop()
    heir = SupervisorMachine(sim.machine.spec, "")
    heir.inherit(sim.machine.children)
    assert list(heir.children) == ["a"]


def test_a_child_that_is_new_in_a_restarted_supervisor_counts_from_the_start():
    before, after = tree("a"), Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]))
    before.crash("a")
    after.machine.inherit(before.machine.children)
    after.begin()
    assert [(c.generation, c.crashes) for c in after.machine.children.values()] == [(3, 1), (1, 0)]
