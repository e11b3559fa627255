"""A child with a watchdog that gives no sign of life: it is stopped, and when it is gone it has failed like any other."""

import pytest

from otp.core import inputs
from otp.core.roster import KILL_PATIENCE
from otp.errors import ChildRefused, Hung
from otp.events import (
    Cause,
    ChildDelayed,
    ChildExited,
    ChildFailed,
    ChildHung,
    ChildLate,
    ChildRestarting,
    IntensityReached,
)
from otp.exits import Crash, Crashed, Killed, Normal, Refused, Shutdown
from otp.policy import Backoff, FailurePolicy, GiveUp, RestartAfter, on
from otp.spec import Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

GROUPED = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]
PAST = 5.0 + KILL_PATIENCE + 0.1


def tree(*children, stubborn="", **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, **options)).begin()
    sim.stubborn.update(stubborn)
    sim.take_trace()
    return sim


def hung_in(exit):
    return isinstance(exit, Crashed) and isinstance(exit.error, Hung)


def test_it_is_stopped_and_started_again_when_it_is_gone():
    sim = tree("a", "b", stubborn="a")
    sim.hang("a")
    assert sim.trace == ["stop a"]
    assert sim.states == {"a": "stopping", "b": "running"}
    assert sim.of(ChildRestarting) == []
    sim.end("a", Shutdown())
    assert sim.trace == ["stop a", "start a"]
    assert sim.states == {"a": "running", "b": "running"}


def test_that_it_hangs_is_told_at_once_and_that_it_failed_when_it_is_gone():
    sim = tree("a", stubborn="a")
    sim.pass_time(40.0)
    sim.hang("a", 30.0)
    (told,) = sim.of(ChildHung)
    assert (told.path, told.at, told.generation) == ("root/a", 40.0, 1)
    assert (told.silent, told.chain, told.crash) == (30.0, ("wait (w.py:7)",), None)
    sim.pass_time(1.0)
    sim.end("a", Shutdown())
    (restarting,) = sim.of(ChildRestarting)
    assert (restarting.cause, restarting.at, restarting.used) == (Cause.CRASH, 41.0, 1)
    assert hung_in(restarting.exit)
    assert restarting.exit.error.chain == ("wait (w.py:7)",)
    assert sim.of(ChildExited) == []
    assert sim.child("a").crashes == 1


def test_what_its_progress_raised_is_told_with_it():
    sim = tree("a")
    crash = Crash("ValueError", "no such counter")
    sim.tell(inputs.Silent("a", 1, Hung("root/a", 30.0, ()), crash))
    assert [event.crash for event in sim.of(ChildHung)] == [crash]


def test_it_has_its_time_to_clean_up_and_is_killed_then():
    sim = tree("a", stubborn="a")
    sim.hang("a")
    sim.pass_time(5.0)
    assert sim.trace == ["stop a", "kill a"]
    sim.end("a", Killed())
    assert sim.trace == ["stop a", "kill a", "start a"]
    assert hung_in(sim.of(ChildRestarting)[0].exit)


def test_brutal_kill_gives_it_none():
    sim = tree(stand_in("a", shutdown="brutal_kill"))
    sim.hang("a")
    assert sim.trace == ["kill a", "start a"]


def test_how_it_ends_when_it_is_stopped_makes_no_difference():
    sim = tree("a", stubborn="a")
    sim.hang("a")
    sim.crash("a", ValueError("while it cleaned up"))
    assert hung_in(sim.of(ChildRestarting)[0].exit)


def test_it_costs_a_credit_and_too_many_end_the_supervisor():
    sim = tree("a", "b", intensity=2, period=60.0)
    for _ in range(3):
        sim.hang("a")
    assert sim.take_trace() == ["stop a", "start a", "stop a", "start a", "stop a", "stop b", "done"]
    (reached,) = sim.of(IntensityReached)
    assert reached.offender == "root/a"
    assert hung_in(reached.exit)
    assert isinstance(sim.exit.error.__cause__, Hung)


def test_its_policy_decides_by_the_type_of_the_error():
    policy = FailurePolicy(on(Hung, RestartAfter(Backoff(2.0)), name="hung"), otherwise=GiveUp())
    sim = tree(stand_in("a", policy=policy))
    sim.hang("a")
    (delayed,) = sim.of(ChildDelayed)
    assert (delayed.verdict, delayed.delay) == ("hung", 2.0)
    sim.pass_time(2.0)
    assert sim.trace == ["stop a", "start a"]


def test_a_policy_may_give_it_up():
    sim = tree(stand_in("a", policy=FailurePolicy(on(Hung, GiveUp()))), "b")
    sim.hang("a")
    assert sim.states == {"a": "failed", "b": "running"}
    assert [event.verdict for event in sim.of(ChildFailed)] == ["hung"]


def test_what_it_needs_is_asked_first():
    sim = tree(stand_in("a", needs=("redis",)))
    sim.down.add("redis")
    sim.hang("a")
    assert sim.states == {"a": "held"}
    sim.come_back("redis")
    assert sim.states == {"a": "running"}


@pytest.mark.parametrize(
    ("restart", "after"),
    [(Restart.PERMANENT, {"a": "running"}), (Restart.TRANSIENT, {"a": "running"}), (Restart.TEMPORARY, {})],
)
def test_its_restart_type_decides_as_after_a_crash_s16(restart, after):
    sim = tree(stand_in("a", restart=restart))
    sim.hang("a")
    assert sim.states == after


def test_a_temporary_one_is_told_as_failed():
    sim = tree(stand_in("a", restart=Restart.TEMPORARY))
    sim.hang("a")
    (exited,) = sim.of(ChildExited)
    assert not exited.asked
    assert hung_in(exited.exit)


@pytest.mark.parametrize("strategy", GROUPED)
def test_the_strategy_takes_its_siblings_along_when_it_is_gone(strategy):
    sim = tree("a", "b", "c", strategy=strategy, stubborn="b")
    sim.hang("b")
    assert sim.take_trace() == ["stop b"]
    sim.end("b", Shutdown())
    before = ["stop a"] if strategy is Strategy.ONE_FOR_ALL else []
    after = ["start a"] if strategy is Strategy.ONE_FOR_ALL else []
    assert sim.trace == ["stop c", *before, *after, "start b", "start c"]
    assert (sim.child("b").crashes, sim.child("c").collateral) == (1, 1)


def test_the_waiting_for_its_end_is_no_downtime():
    sim = tree("a", stubborn="a")
    sim.hang("a")
    sim.pass_time(3.0)
    sim.slow.add("a")
    sim.end("a", Shutdown())
    sim.pass_time(2.0)
    sim.ready("a")
    assert sim.child("a").downtime == 2.0


# ------------------------------------------------------------------------------------------------ who else wants it


def test_terminate_child_wins():
    sim = tree("a", stubborn="a")
    sim.hang("a")
    asked = sim.terminate_child("a")
    sim.end("a", Shutdown())
    assert asked.answered
    assert asked.result is None
    assert sim.states == {"a": "stopped"}
    (exited,) = sim.of(ChildExited)
    assert (exited.asked, exited.exit) == (True, Shutdown())
    assert sim.child("a").crashes == 0


def test_restart_wins_and_costs_nothing():
    sim = tree("a", stubborn="a", intensity=0)
    sim.hang("a")
    asked = sim.restart("a")
    sim.end("a", Shutdown())
    assert asked.answered
    assert sim.trace == ["stop a", "start a"]
    assert (sim.child("a").manual, sim.child("a").crashes) == (1, 0)


def test_the_failure_of_an_incarnation_that_was_claimed_is_not_that_of_the_next():
    sim = tree("a", stubborn="a", intensity=0)
    sim.hang("a")
    sim.restart("a")
    sim.end("a", Shutdown())
    asked = sim.terminate_child("a")
    sim.end("a", Shutdown())
    assert asked.answered
    assert sim.states == {"a": "stopped"}


def test_a_stop_wins():
    sim = tree("a", "b", stubborn="a")
    sim.hang("a")
    sim.stop()
    sim.end("a", Shutdown())
    assert sim.trace == ["stop a", "stop b", "done"]
    assert sim.exit == Shutdown()
    assert [(event.path, event.asked) for event in sim.of(ChildExited)] == [("root/b", True), ("root/a", True)]


def test_a_request_that_waits_for_its_end_is_answered_by_what_follows_it():
    sim = tree("a", stubborn="a")
    sim.hang("a")
    deleted, started = sim.delete_child("a"), sim.start_child(stand_in("a"))
    assert not deleted.answered
    sim.end("a", Shutdown())
    assert str(deleted.result) == "root/a: is being restarted; terminate_child ends that"
    assert started.answered
    assert sim.states == {"a": "running"}


def test_a_group_restart_that_began_meanwhile_takes_it_along_at_no_cost_s26():
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL, stubborn="b", intensity=1, period=60.0)
    sim.hang("b")
    sim.crash("a")
    sim.end("b", Shutdown())
    assert sim.trace == ["stop b", "start a", "start b"]
    (exited,) = sim.of(ChildExited)
    assert not exited.asked
    assert hung_in(exited.exit)


def test_one_that_is_gone_while_others_start_is_restarted_after_that_s14():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="b").begin()
    sim.hang("a")
    assert sim.take_trace() == ["start a", "start b", "stop a"]
    assert sim.states["a"] == "exited"
    sim.ready("b")
    assert sim.trace == ["ready", "start a"]
    assert hung_in(sim.of(ChildRestarting)[0].exit)


def test_terminate_child_overtakes_the_decision_about_it():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="b").begin()
    sim.hang("a")
    sim.terminate_child("a")
    sim.ready("b")
    assert sim.states == {"a": "stopped", "b": "running"}


def test_a_child_whose_turn_to_be_stopped_comes_anyway_is_left_alone():
    sim = tree("a", "b", stubborn="b")
    sim.stop()
    sim.hang("a")
    assert sim.take_trace() == ["stop b"]
    assert sim.of(ChildHung) == []
    sim.end("b", Shutdown())
    assert sim.trace == ["stop a", "done"]


def test_only_a_child_that_is_up_can_hang():
    sim = Simulation(supervisor("root", children=[stand_in("a")]), slow="a").begin()
    sim.hang("a")
    assert sim.trace == ["start a"]
    sim.ready("a")
    sim.stubborn.add("a")
    sim.terminate_child("a")
    sim.hang("a")
    assert sim.of(ChildHung) == []


def test_what_an_older_incarnation_did_not_do_means_nothing():
    sim = tree("a")
    sim.crash("a")
    sim.tell(inputs.Silent("a", 1, Hung("root/a", 30.0, ())))
    sim.tell(inputs.Silent("nobody", 1, Hung("root/nobody", 30.0, ())))
    assert sim.trace == ["start a"]
    assert sim.of(ChildHung) == []


def test_a_dynamic_child_that_hangs_is_restarted():
    sim = Simulation(dynamic_supervisor("root")).begin()
    sim.start_child(stand_in("a"))
    sim.hang("a")
    assert sim.states == {"a": "running"}
    assert sim.child("a").crashes == 1


# ------------------------------------------------------------------------------------------------ it does not end


def test_one_that_refuses_to_stop_is_never_doubled_and_its_supervisor_gives_up():
    sim = tree("a", "b", stubborn="a")
    sim.hang("a")
    sim.pass_time(PAST)
    assert sim.trace == ["stop a", "kill a", "stop b", "done"]
    assert sim.exit == Refused(("root/a",))


def test_one_that_refuses_and_ends_after_its_supervisor_has_is_only_told():
    sim = tree("a", stubborn="a")
    sim.hang("a")
    sim.pass_time(PAST)
    sim.end("a", Killed())
    assert sim.trace == ["stop a", "kill a", "done"]
    assert [(event.asked, event.exit) for event in sim.of(ChildExited)] == [(True, Killed())]


def test_nobody_needs_the_place_of_a_temporary_one_that_refuses():
    sim = tree(stand_in("a", restart=Restart.TEMPORARY), "b", stubborn="a")
    sim.hang("a")
    sim.pass_time(PAST)
    assert sim.states == {"a": "refused", "b": "running"}
    sim.end("a", Normal())
    assert sim.states == {"b": "running"}


def test_the_place_of_one_that_was_started_by_request_is_needed_too():
    sim = tree("b")
    sim.start_child(stand_in("a"))
    sim.stubborn.add("a")
    sim.hang("a")
    sim.pass_time(PAST)
    assert sim.exit == Refused(("root/a",))


def test_one_that_refuses_although_it_was_terminated_stays_down_when_it_ends_after_all():
    sim = tree("a", "b", stubborn="a")
    sim.hang("a")
    asked = sim.terminate_child("a")
    sim.pass_time(PAST)
    assert isinstance(asked.result, ChildRefused)
    assert sim.states == {"a": "refused", "b": "running"}
    sim.end("a", Shutdown())
    assert sim.states == {"a": "stopped", "b": "running"}


def test_a_start_that_took_too_long_and_was_terminated_stays_down_too():
    sim = tree(stand_in("a", start_timeout=1.0), "b")
    sim.slow.add("a")
    sim.stubborn.add("a")
    sim.crash("a")
    sim.pass_time(1.0)
    asked = sim.terminate_child("a")
    sim.pass_time(PAST)
    assert isinstance(asked.result, ChildRefused)
    sim.fail("a")
    assert sim.states == {"a": "stopped", "b": "running"}


# ------------------------------------------------------------------------------------------------ late


def test_a_child_that_does_not_end_in_its_time_is_told_before_it_is_killed():
    sim = tree(stand_in("a", shutdown=2.0), stubborn="a")
    sim.stop()
    sim.pass_time(1.9)
    assert sim.of(ChildLate) == []
    sim.pass_time(0.1)
    (late,) = sim.of(ChildLate)
    assert (late.path, late.at, late.generation, late.grace) == ("root/a", 2.0, 1, 2.0)
    assert sim.trace == ["stop a", "kill a"]


@pytest.mark.parametrize("shutdown", [0, "brutal_kill"])
def test_one_without_time_is_not_late(shutdown):
    sim = tree(stand_in("a", shutdown=shutdown), stubborn="a")
    sim.stop()
    sim.pass_time(KILL_PATIENCE / 2)
    assert "kill a" in sim.trace
    assert sim.of(ChildLate) == []


def test_one_that_ends_in_time_is_not_late():
    sim = tree("a", stubborn="a")
    sim.stop()
    sim.pass_time(4.9)
    sim.end("a", Shutdown())
    sim.pass_time(10.0)
    assert sim.of(ChildLate) == []
