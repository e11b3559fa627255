"""A child that ends by itself: restart type and exit (S16, S17), the limit (S27-S31, D3), auto_shutdown (S40-S42)."""

import pytest

from otp.errors import IntensityReached
from otp.events import ChildExited, ChildRestarting, SupervisorStopping
from otp.events import IntensityReached as LimitEvent
from otp.exits import Crashed, Killed, Normal, Shutdown
from otp.spec import AutoShutdown, Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

EXITS = {
    "returned": Normal(),
    "shutdown": Shutdown(),
    "raised": Crashed(ValueError("no")),
    "killed": Killed(),
}
TEMPORARY, TRANSIENT, PERMANENT = Restart.TEMPORARY, Restart.TRANSIENT, Restart.PERMANENT
ANY, ALL = AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT


def tree(*children, **options):
    return supervisor("root", children=[c if not isinstance(c, str) else stand_in(c) for c in children], **options)


@pytest.mark.parametrize("exit", EXITS)
@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize("strategy", Strategy)
def test_what_follows_an_end_s16_s17(strategy, restart, exit):
    sim = Simulation(tree(stand_in("a", restart=restart), "b", strategy=strategy)).begin()
    sim.take_trace()
    sim.end("a", EXITS[exit])
    if restart is PERMANENT or (restart is TRANSIENT and EXITS[exit].abnormal):
        alone = strategy is Strategy.ONE_FOR_ONE
        assert sim.trace == (["start a"] if alone else ["stop b", "start a", "start b"])
        assert sim.of(ChildRestarting)[0].exit == EXITS[exit]
        assert sim.child("a").crashes == 1
    else:
        assert sim.trace == []
        assert sim.states == ({"b": "running"} if restart is TEMPORARY else {"a": "done", "b": "running"})
        assert [(event.path, event.exit, event.asked) for event in sim.of(ChildExited)] == [
            ("root/a", EXITS[exit], False)
        ]
        assert sim.machine.window.used == 0


@pytest.mark.parametrize("restart", Restart)
def test_a_dynamic_supervisor_forgets_what_is_not_restarted_s16(restart):
    sim = Simulation(dynamic_supervisor("root")).begin()
    sim.start_child(stand_in("a", restart=restart))
    sim.end("a", Normal())
    assert sim.states == ({"a": "running"} if restart is PERMANENT else {})


@pytest.mark.parametrize("intensity", [0, 1, 3])
def test_as_many_restarts_as_the_intensity_are_fine_and_one_more_ends_it_s28(intensity):
    sim = Simulation(tree("a", intensity=intensity)).begin()
    for _ in range(intensity):
        sim.crash("a")
        assert sim.exit is None
    sim.crash("a")
    assert sim.trace.count("start a") == 1 + intensity
    assert isinstance(sim.exit, Crashed)


def test_the_limit_counts_for_all_children_together_s27():
    sim = Simulation(tree("a", "b", intensity=1)).begin()
    sim.crash("a")
    sim.crash("b")
    assert sim.exit is not None


def test_restarts_that_are_a_period_apart_never_reach_the_limit():
    sim = Simulation(tree("a", intensity=1, period=5.0)).begin()
    for _ in range(50):
        sim.pass_time(5.1)
        sim.crash("a")
    assert sim.exit is None
    assert sim.child("a").crashes == 50


def test_giving_up_stops_the_others_in_reverse_order_and_says_who_it_was_s31():
    sim = Simulation(tree("a", "b", "c", intensity=0)).begin()
    sim.take_trace()
    error = ValueError("no")
    sim.crash("b", error)
    assert sim.trace == ["stop c", "stop a", "done"]
    limit = sim.of(LimitEvent)[0]
    assert (limit.path, limit.offender, limit.exit, limit.intensity) == ("root", "root/b", Crashed(error), 0)


def test_a_supervisor_that_gives_up_has_crashed_and_carries_the_cause_d3():
    sim = Simulation(tree("a", intensity=0)).begin()
    error = ValueError("no")
    sim.crash("a", error)
    assert isinstance(sim.exit, Crashed)
    assert isinstance(sim.exit.error, IntensityReached)
    assert sim.exit.error.__cause__ is error
    assert (sim.exit.error.path, sim.exit.error.offender) == ("root", "root/a")
    assert sim.exit.abnormal


def test_a_permanent_child_that_only_returns_reaches_the_limit_too_pitfall_2():
    sim = Simulation(tree("a", intensity=3)).begin()
    for _ in range(4):
        sim.end("a", Normal())
    assert sim.trace.count("start a") == 4
    assert isinstance(sim.exit, Crashed)
    assert sim.exit.error.__cause__ is None


@pytest.mark.parametrize("restart", [TRANSIENT, TEMPORARY])
def test_any_significant_ends_the_supervisor_with_the_first_s40(restart):
    significant = [stand_in(id, restart=restart, significant=True) for id in "bc"]
    sim = Simulation(tree("a", *significant, auto_shutdown=ANY)).begin()
    sim.take_trace()
    sim.end("b")
    assert sim.trace == ["stop c", "stop a", "done"]
    assert sim.exit == Shutdown("auto_shutdown")
    assert sim.of(SupervisorStopping)[0].exit == Shutdown("auto_shutdown")


def test_all_significant_waits_for_the_last_s40():
    significant = [stand_in(id, restart=TRANSIENT, significant=True) for id in "bcd"]
    sim = Simulation(tree("a", *significant, auto_shutdown=ALL)).begin()
    sim.end("b")
    sim.terminate_child("c")
    assert sim.exit is None
    sim.end("d")
    assert sim.exit == Shutdown("auto_shutdown")


def test_a_significant_child_that_crashes_and_is_restarted_ends_nothing_s40():
    sim = Simulation(tree(stand_in("a", restart=TRANSIENT, significant=True), auto_shutdown=ANY)).begin()
    sim.crash("a")
    assert sim.states == {"a": "running"}
    assert sim.exit is None


def test_a_temporary_significant_child_counts_however_it_ends_s40():
    sim = Simulation(tree(stand_in("a", restart=TEMPORARY, significant=True), auto_shutdown=ANY)).begin()
    sim.crash("a")
    assert sim.exit == Shutdown("auto_shutdown")


def test_a_significant_child_in_its_retries_counts_as_alive_s40_pitfall_33():
    significant = [stand_in(id, restart=TRANSIENT, significant=True) for id in "ab"]
    sim = Simulation(tree(*significant, auto_shutdown=ALL, intensity=9)).begin()
    sim.slow.add("a")
    sim.crash("a")
    sim.fail("a")
    sim.end("b")
    assert sim.exit is None


def test_a_significant_child_that_waits_for_its_next_try_counts_as_alive_s40_pitfall_33():
    significant = [stand_in(id, restart=TRANSIENT, significant=True) for id in "ab"]
    sim = Simulation(tree(*significant, "c", auto_shutdown=ALL, intensity=9), slow="c").begin()
    sim.slow.add("a")
    sim.crash("a")
    sim.end("b")
    sim.ready("c")
    sim.fail("a")
    assert sim.states == {"a": "starting", "b": "done", "c": "running"}


def test_a_significant_child_whose_end_is_decided_next_counts_as_alive_s40():
    significant = [stand_in(id, restart=TRANSIENT, significant=True) for id in "ab"]
    sim = Simulation(tree(*significant, "c", auto_shutdown=ALL), slow="c").begin()
    sim.end("a")
    sim.crash("b")
    sim.ready("c")
    assert sim.states == {"a": "done", "b": "running", "c": "running"}


def test_a_child_without_significance_ends_nothing():
    sim = Simulation(tree(stand_in("a", restart=TEMPORARY), auto_shutdown=ANY)).begin()
    sim.end("a")
    assert sim.exit is None


@pytest.mark.parametrize("auto", [ANY, ALL])
def test_terminating_a_significant_child_ends_nothing_s41(auto):
    sim = Simulation(tree(stand_in("a", restart=TRANSIENT, significant=True), auto_shutdown=auto)).begin()
    sim.terminate_child("a")
    assert sim.states == {"a": "stopped"}
    assert sim.exit is None


@pytest.mark.parametrize("restart", [TRANSIENT, TEMPORARY])
def test_a_significant_child_that_a_group_restart_stops_ends_nothing_s41(restart):
    significant = stand_in("b", restart=restart, significant=True)
    sim = Simulation(tree("a", significant, strategy=Strategy.ONE_FOR_ALL, auto_shutdown=ANY)).begin()
    sim.crash("a")
    assert sim.exit is None
    assert sim.trace.count("stop b") == 1


def test_a_significant_child_that_ignores_its_restart_ends_nothing_s25_s41():
    sim = Simulation(tree(stand_in("a", restart=TRANSIENT, significant=True), auto_shutdown=ANY)).begin()
    sim.slow.add("a")
    sim.crash("a")
    sim.ignore("a")
    assert sim.states == {"a": "done"}
    assert sim.exit is None
    assert sim.machine.window.used == 1


def test_two_crashes_at_once_cost_two_credits_one_for_one_s26():
    sim = Simulation(tree("a", "b", intensity=1)).begin()
    sim.crash("a")
    sim.crash("b")
    assert isinstance(sim.exit, Crashed)
