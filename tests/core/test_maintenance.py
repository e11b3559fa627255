"""`pause`, `resume` and `reset`: a child under maintenance that ends is left down until that is over, at no cost."""

import pytest

from otp import events
from otp.core import inputs
from otp.core.machine import SupervisorMachine
from otp.errors import AlreadyPresent, FatalFailure, IntensityReached, NoProc, NotFound, StartError
from otp.events import Cause
from otp.exits import Crashed, Normal, Refused, Shutdown
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on
from otp.spec import AutoShutdown, Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

GROUPED = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]
LATER = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, jitter=0.0)))


def tree(*children, begin=True, slow=(), failing=(), down=(), **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, **options), slow=slow, failing=failing, down=down)
    if begin:
        sim.begin()
        sim.take_trace()
    return sim


def spent(sim, id="a"):
    child = sim.child(id)
    return sim.machine.window.used, child.streak, child.crashes


# ------------------------------------------------------------------------------------------------ an end under maintenance


@pytest.mark.parametrize("strategy", Strategy)
def test_a_child_that_crashes_under_maintenance_is_left_down_and_costs_nothing(strategy):
    sim = tree("a", "b", strategy=strategy, intensity=0)
    assert sim.pause("a").answered
    error = RuntimeError("boom")
    sim.crash("a", error)
    assert sim.states == {"a": "paused", "b": "running"}
    assert (sim.trace, spent(sim), sim.exit) == ([], (0, 0, 0), None)
    (told,) = sim.of(events.ChildPaused)
    assert (told.path, told.at, told.exit) == ("root/a", 0.0, Crashed(error))
    assert sim.child("a").verdict == "maintenance"


@pytest.mark.parametrize(
    ("restart", "exit", "state"),
    [
        (Restart.PERMANENT, Normal(), "paused"),
        (Restart.PERMANENT, Crashed(RuntimeError()), "paused"),
        (Restart.TRANSIENT, Normal(), "done"),
        (Restart.TRANSIENT, Crashed(RuntimeError()), "paused"),
    ],
)
def test_only_an_end_that_wants_a_restart_is_one_under_maintenance(restart, exit, state):
    sim = tree(stand_in("a", restart=restart))
    sim.pause("a")
    sim.end("a", exit)
    assert sim.states == {"a": state}
    assert len(sim.of(events.ChildPaused)) == (state == "paused")


@pytest.mark.parametrize("exit", [Normal(), Crashed(RuntimeError())])
def test_a_temporary_child_ends_under_maintenance_as_ever(exit):
    sim = tree(stand_in("a", restart=Restart.TEMPORARY))
    sim.pause("a")
    sim.end("a", exit)
    assert (sim.states, sim.of(events.ChildPaused)) == ({}, [])


@pytest.mark.parametrize(
    "action", [Fatal(), GiveUp(), RestartNow(), RestartAfter(Backoff(1.0)), Limited(1, within=9.0, then=Fatal())]
)
def test_no_verdict_of_a_policy_matters_under_maintenance(action):
    sim = tree(stand_in("a", policy=FailurePolicy(on(OSError, action))), "b", intensity=0)
    sim.pause("a")
    for _ in range(3):
        sim.crash("a", OSError())
        assert (sim.states, spent(sim)) == ({"a": "paused", "b": "running"}, (0, 0, 0))
        sim.restart("a")
    assert (sim.timers, sim.exit) == ({}, None)


@pytest.mark.parametrize(
    "error", [FatalFailure("root/a", "root/a/x", "config"), IntensityReached("root/a", "x", 3, 5.0)]
)
def test_a_supervisor_that_ends_under_maintenance_takes_nobody_along(error):
    sim = tree(supervisor("a"), "b", intensity=0)
    sim.ready("a")
    sim.pause("a")
    sim.crash("a", error)
    assert (sim.states, sim.exit) == ({"a": "paused", "b": "running"}, None)


def test_a_child_under_maintenance_is_not_held_for_what_it_needs():
    sim = tree(stand_in("a", needs=("redis",)), down=["redis"])
    sim.pause("a")
    sim.crash("a")
    assert sim.states == {"a": "paused"}
    sim.come_back("redis")
    assert sim.states == {"a": "paused"}


def test_a_significant_child_that_is_down_over_its_maintenance_counts_as_alive_s40():
    children = [stand_in(id, restart=Restart.TRANSIENT, significant=True) for id in "ab"]
    sim = tree(*children, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)
    sim.pause("a")
    sim.crash("a")
    sim.end("b")
    assert (sim.states, sim.exit) == ({"a": "paused", "b": "done"}, None)


def test_a_child_that_ended_before_its_turn_to_be_decided_about_is_left_down_too():
    sim = tree("a", "b", begin=False, slow="b", intensity=0).begin()
    sim.crash("a")
    assert sim.states["a"] == "exited"
    sim.pause("a")
    sim.ready("b")
    assert sim.states == {"a": "paused", "b": "running"}


# ------------------------------------------------------------------------------------------------ those that wait


def test_the_delay_of_a_child_is_off_when_its_maintenance_begins():
    sim = tree(stand_in("a", policy=LATER))
    sim.crash("a")
    sim.pass_time(0.5)
    sim.pause("a")
    assert (sim.states, sim.timers, sim.child("a").retry_at) == ({"a": "paused"}, {}, None)
    assert sim.child("a").down_since == 0.0
    assert [told.exit for told in sim.of(events.ChildPaused)] == [None]
    sim.pass_time(60.0)
    assert sim.trace == []


def test_a_held_child_is_held_no_more_when_its_maintenance_begins():
    sim = tree(stand_in("a", needs=("redis",)), down=["redis"])
    sim.crash("a")
    sim.pause("a")
    sim.come_back("redis")
    assert (sim.states, sim.trace) == ({"a": "paused"}, [])
    assert [told.exit for told in sim.of(events.ChildPaused)] == [None]


def test_a_child_whose_needs_are_being_asked_has_not_told_how_it_ended():
    machine = SupervisorMachine(supervisor("root", children=[stand_in("a", needs=("redis",))]), "")
    machine.handle(inputs.Begin(), 0.0)
    machine.handle(inputs.Started("a", 1, None), 0.0)
    exit = Crashed(RuntimeError("boom"))
    machine.handle(inputs.Exited("a", 1, exit), 1.0)
    effects = machine.handle(inputs.Pause("a", None), 2.0)
    assert [effect.event for effect in effects] == [events.ChildPaused(path="root/a", at=2.0, exit=exit)]
    assert machine.children["a"].failed_with is None
    assert machine.handle(inputs.Checked("a", 1, ()), 3.0) == []


def test_a_try_that_is_under_way_is_off_when_maintenance_begins():
    machine = SupervisorMachine(supervisor("root", children=[stand_in("a")]), "")
    machine.handle(inputs.Begin(), 0.0)
    machine.handle(inputs.Started("a", 1, None), 0.0)
    machine.handle(inputs.Exited("a", 1, Normal()), 1.0)
    failed = inputs.StartFailed("a", 2, Crashed(RuntimeError()))
    (*_, retry) = machine.handle(failed, 1.0)
    machine.handle(inputs.Pause("a", None), 1.0)
    assert machine.children["a"].state == "paused"
    assert machine.handle(retry.note, 1.0) == []


def test_a_startup_goes_on_without_the_child_that_it_waited_for():
    sim = tree(stand_in("a", policy=LATER), "b", begin=False, slow="a").begin()
    sim.fail("a")
    assert sim.states == {"a": "backoff", "b": "pending"}
    sim.pause("a")
    assert (sim.states, sim.trace[-1]) == ({"a": "paused", "b": "running"}, "ready")


@pytest.mark.parametrize("state", ["failed", "stopped", "done"])
def test_a_child_that_is_down_for_good_stays_so(state):
    sim = tree(stand_in("a", restart=Restart.TRANSIENT, policy=FailurePolicy(on(OSError, GiveUp()))))
    {
        "failed": lambda: sim.crash("a", OSError()),
        "stopped": lambda: sim.terminate_child("a"),
        "done": lambda: sim.end("a"),
    }[state]()
    sim.take_trace()
    sim.pause("a")
    sim.resume("a")
    assert (sim.states, sim.trace) == ({"a": state}, [])


# ------------------------------------------------------------------------------------------------ starts that fail


@pytest.mark.parametrize("strategy", Strategy)
def test_a_first_start_that_fails_under_maintenance_undoes_nothing(strategy):
    sim = tree("a", "b", "c", begin=False, slow="b", strategy=strategy, intensity=0).begin()
    sim.pause("b")
    sim.pass_time(5.0)
    sim.fail("b")
    assert sim.states == {"a": "running", "b": "paused", "c": "running"}
    assert (sim.trace, sim.exit) == (["start a", "start b", "start c", "ready"], None)
    assert sim.child("b").down_since == 5.0


def test_a_first_start_that_takes_too_long_under_maintenance_undoes_nothing():
    sim = tree(stand_in("a", start_timeout=2.0), "b", begin=False, slow="a").begin()
    sim.pause("a")
    sim.pass_time(2.0)
    assert sim.states == {"a": "paused", "b": "running"}


def test_the_first_start_of_a_temporary_child_that_fails_undoes_all_as_ever():
    sim = tree(stand_in("a", restart=Restart.TEMPORARY), begin=False, slow="a").begin()
    sim.pause("a")
    sim.fail("a")
    assert isinstance(sim.exit.error, StartError)


def test_a_child_that_is_added_and_does_not_come_up_is_forgotten_as_ever():
    sim = tree("a")
    sim.pause()
    sim.failing.add("x")
    assert isinstance(sim.start_child(stand_in("x")).result, StartError)
    assert (sim.states, sim.of(events.ChildPaused)) == ({"a": "running"}, [])


@pytest.mark.parametrize("strategy", Strategy)
def test_a_restart_by_request_that_fails_under_maintenance_is_the_answer_and_not_tried_again(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.pause("a")
    sim.failing.add("a")
    asked = sim.restart("a")
    assert isinstance(asked.result, StartError)
    assert sim.trace.count("start a") == 1
    assert sim.states == {"a": "paused", "b": "running"}


def test_a_group_restart_goes_on_without_the_sibling_that_fails_to_start_under_maintenance():
    sim = tree("a", "b", "c", strategy=Strategy.ONE_FOR_ALL)
    sim.pause("b")
    sim.failing.add("b")
    asked = sim.restart("a")
    assert sim.trace == ["stop c", "stop b", "stop a", "start a", "start b", "start c"]
    assert sim.states == {"a": "running", "b": "paused", "c": "running"}
    assert (asked.answered, asked.result) == (True, None)


# ------------------------------------------------------------------------------------------------ siblings


@pytest.mark.parametrize(
    ("strategy", "trace"),
    [
        (Strategy.ONE_FOR_ONE, ["start a"]),
        (Strategy.ONE_FOR_ALL, ["stop c", "start a", "start c"]),
        (Strategy.REST_FOR_ONE, ["stop c", "start a", "start c"]),
    ],
)
def test_a_sibling_that_is_restarted_leaves_down_who_is_down_over_its_maintenance(strategy, trace):
    sim = tree("a", "b", "c", strategy=strategy)
    sim.pause("b")
    sim.crash("b")
    sim.crash("a")
    assert sim.trace == trace
    assert sim.states == {"a": "running", "b": "paused", "c": "running"}
    assert sim.child("b").collateral == 0


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_sibling_that_is_restarted_takes_along_who_is_up_under_maintenance(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.pause("b")
    sim.crash("a")
    assert sim.trace == ["stop b", "start a", "start b"]
    assert (sim.child("b").collateral, sim.child("b").paused) == (1, True)


@pytest.mark.parametrize("strategy", GROUPED)
def test_a_child_under_maintenance_that_ends_before_its_turn_in_a_group_restart_comes_back_with_it(strategy):
    sim = tree("a", "b", "c", strategy=strategy)
    sim.pause("b")
    sim.stubborn.add("c")
    sim.crash("a")
    sim.crash("b")
    sim.end("c", Shutdown())
    assert sim.states == {"a": "running", "b": "running", "c": "running"}


# ------------------------------------------------------------------------------------------------ the end of maintenance


@pytest.mark.parametrize(
    ("strategy", "trace"),
    [
        (Strategy.ONE_FOR_ONE, ["start b"]),
        (Strategy.ONE_FOR_ALL, ["stop c", "stop a", "start a", "start b", "start c"]),
        (Strategy.REST_FOR_ONE, ["stop c", "start b", "start c"]),
    ],
)
def test_a_child_is_started_by_the_strategy_when_its_maintenance_is_over(strategy, trace):
    sim = tree("a", "b", "c", strategy=strategy, intensity=0)
    sim.pause("b")
    sim.crash("b")
    sim.pass_time(30.0)
    assert sim.resume("b").answered
    assert sim.trace == trace
    (told,) = [event for event in sim.of(events.ChildRestarting) if event.cause is Cause.CRASH]
    assert (told.path, told.exit, told.verdict, told.used, told.streak) == ("root/b", None, "maintenance", 0, 0)
    assert spent(sim, "b") == (0, 0, 1)
    assert (sim.child("b").downtime, sim.child("b").retry_at) == (30.0, None)


@pytest.mark.parametrize("strategy", Strategy)
def test_all_that_are_down_come_back_with_one_restart_of_their_group(strategy):
    sim = tree("a", "b", "c", strategy=strategy, intensity=0)
    sim.pause()
    for id in "cba":
        sim.crash(id)
    sim.resume()
    assert sim.trace == ["start a", "start b", "start c"]
    assert set(sim.states.values()) == {"running"}


def test_after_maintenance_a_failure_is_one_as_ever():
    sim = tree("a", intensity=0)
    sim.pause("a")
    sim.resume("a")
    sim.crash("a")
    assert isinstance(sim.exit.error, IntensityReached)


def test_a_start_after_maintenance_that_fails_is_tried_again_like_any_restart():
    sim = tree("a", intensity=1)
    sim.pause("a")
    sim.crash("a")
    sim.slow.add("a")
    sim.resume("a")
    sim.fail("a")
    assert (sim.trace, spent(sim)) == (["start a", "start a"], (1, 1, 2))


def test_a_child_whose_maintenance_ends_during_a_plan_is_started_after_it():
    sim = tree("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    sim.pause("a")
    sim.crash("a")
    sim.stubborn.add("c")
    sim.restart("b")
    sim.resume("a")
    assert (sim.trace, sim.states["a"]) == (["stop c"], "backoff")
    sim.stubborn.clear()
    sim.end("c", Shutdown())
    assert sim.trace[1:] == ["stop b", "start b", "start c", "stop c", "stop b", "start a", "start b", "start c"]


def test_a_second_maintenance_before_the_start_that_was_due_wins():
    sim = tree("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    sim.pause("a")
    sim.crash("a")
    sim.stubborn.add("c")
    sim.restart("b")
    sim.resume("a")
    sim.pause("a")
    sim.stubborn.clear()
    sim.end("c", Shutdown())
    assert (sim.trace, sim.states["a"]) == (["stop c", "stop b", "start b", "start c"], "paused")


def test_a_child_whose_maintenance_is_over_waits_for_the_delays_of_its_group():
    sim = tree("a", stand_in("b", policy=LATER), strategy=Strategy.ONE_FOR_ALL)
    sim.pause("a")
    sim.crash("a")
    sim.crash("b")
    sim.resume("a")
    assert (sim.states, sim.trace) == ({"a": "backoff", "b": "backoff"}, [])
    sim.pass_time(1.0)
    assert sim.trace == ["start a", "start b"]


def test_maintenance_that_is_asked_for_twice_or_not_at_all_is_fine():
    sim = tree("a", "b")
    for ask in (sim.resume, sim.pause, sim.pause, sim.resume, sim.resume, sim.reset):
        asked = ask("a")
        assert (asked.answered, asked.result) == (True, None)
    assert (sim.trace, sim.child("a").paused) == ([], False)


def test_an_unknown_child_is_not_found():
    sim = tree("a", "b")
    for ask in (sim.pause, sim.resume, sim.reset):
        assert str(ask("x").result) == str(NotFound("root/x", ("a", "b")))


# ------------------------------------------------------------------------------------------------ requests meanwhile


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("ask", ["restart", "restart_child"])
def test_a_child_that_is_down_over_its_maintenance_starts_by_request_and_that_stays(strategy, ask):
    sim = tree("a", "b", strategy=strategy)
    sim.pause("b")
    sim.crash("b")
    asked = getattr(sim, ask)("b")
    assert (asked.answered, asked.result) == (True, None)
    assert sim.states == {"a": "running", "b": "running"}
    sim.crash("b")
    assert sim.states == {"a": "running", "b": "paused"}


def test_a_child_that_is_up_under_maintenance_is_restarted_by_request():
    sim = tree("a")
    sim.pause("a")
    sim.restart("a")
    assert (sim.trace, sim.child("a").paused) == (["stop a", "start a"], True)


def test_a_child_that_is_down_over_its_maintenance_is_terminated_for_good():
    sim = tree("a")
    sim.pause("a")
    sim.crash("a")
    assert sim.terminate_child("a").result is None
    (told,) = sim.of(events.ChildExited)
    assert (told.asked, told.exit) == (True, Shutdown())
    sim.resume("a")
    assert (sim.states, sim.trace) == ({"a": "stopped"}, [])


def test_a_child_that_is_down_over_its_maintenance_is_present_and_can_be_deleted():
    sim = tree("a")
    sim.pause("a")
    sim.crash("a")
    assert isinstance(sim.start_child(stand_in("a")).result, AlreadyPresent)
    assert sim.delete_child("a").result is None
    assert sim.states == {}


def test_those_that_are_added_while_all_are_under_maintenance_are_too():
    sim = Simulation(dynamic_supervisor("root", intensity=0)).begin()
    sim.pause()
    sim.start_child(stand_in("x"))
    sim.crash("x")
    assert sim.states == {"x": "paused"}
    sim.resume()
    sim.start_child(stand_in("y"))
    assert [child.paused for child in sim.machine.children.values()] == [False, False]


def test_a_child_that_is_added_beside_one_under_maintenance_is_not():
    sim = tree("a")
    sim.pause("a")
    sim.start_child(stand_in("x"))
    assert not sim.child("x").paused


# ------------------------------------------------------------------------------------------------ those who refuse


def test_a_supervisor_that_refuses_to_end_under_maintenance_takes_nobody_along():
    sim = tree(supervisor("a"), "b")
    sim.ready("a")
    sim.pause("a")
    sim.tell_end("a", Refused(("root/a/x",)))
    assert (sim.states, sim.exit) == ({"a": "refused", "b": "running"}, None)


def test_a_group_restart_that_needs_the_place_of_one_under_maintenance_gives_up_as_ever():
    sim = tree(stand_in("a", shutdown=1.0), "b", strategy=Strategy.ONE_FOR_ALL)
    sim.stubborn.add("a")
    sim.pause("a")
    sim.crash("b")
    sim.pass_time(2.0)
    assert sim.exit == Refused(("root/a",))


# ------------------------------------------------------------------------------------------------ the end of the supervisor


def test_a_supervisor_stops_with_children_that_are_down_over_their_maintenance():
    sim = tree("a", "b")
    sim.pause()
    sim.crash("a")
    sim.stop()
    assert (sim.exit, sim.trace) == (Shutdown(), ["stop b", "done"])


@pytest.mark.parametrize("ended", [False, True])
def test_a_supervisor_that_stops_or_has_ended_takes_note_and_starts_nobody(ended):
    sim = tree("a", "b")
    sim.pause()
    sim.crash("a")
    if not ended:
        sim.stubborn.add("b")
    sim.stop()
    sim.take_trace()
    assert sim.resume().result is None
    assert (sim.trace, sim.child("a").paused) == ([], False)
    assert isinstance(sim.restart("a").result, NoProc)


def successor(sim, *, paused=False):
    """The next incarnation of the supervisor."""
    after = Simulation(sim.machine.spec)
    after.machine.inherit(sim.machine.children, paused=paused)
    return after.begin()


@pytest.mark.parametrize("strategy", Strategy)
def test_the_next_incarnation_of_a_supervisor_leaves_down_who_is_down_over_its_maintenance(strategy):
    sim = tree("a", "b", "c", strategy=strategy)
    sim.pause("b")
    sim.crash("b")
    sim.stop()
    after = successor(sim)
    assert after.states == {"a": "running", "b": "paused", "c": "running"}
    assert (after.child("b").collateral, after.child("b").verdict) == (0, "maintenance")
    after.pass_time(7.0)
    after.resume("b")
    assert after.states["b"] == "running"
    assert (after.child("b").generation, after.child("b").crashes, after.child("b").downtime) == (2, 1, 7.0)


def test_the_next_incarnation_of_a_supervisor_starts_who_was_up_under_maintenance_and_goes_on_with_that():
    sim = tree("a", "b")
    sim.pause("a")
    sim.stop()
    after = successor(sim)
    assert after.states == {"a": "running", "b": "running"}
    assert [child.paused for child in after.machine.children.values()] == [True, False]
    assert after.child("a").collateral == 1


def test_the_next_incarnation_of_a_supervisor_starts_those_whose_maintenance_ended_meanwhile():
    sim = tree("a")
    sim.pause("a")
    sim.crash("a")
    sim.stop()
    sim.resume("a")
    after = successor(sim)
    assert after.states == {"a": "running"}
    assert (after.child("a").collateral, after.child("a").crashes) == (0, 0)


def test_the_children_of_a_supervisor_that_starts_under_maintenance_are_too():
    sim = Simulation(supervisor("root", children=[stand_in("a")]))
    sim.machine.inherit({}, paused=True)
    sim.begin()
    sim.start_child(stand_in("x"))
    assert [child.paused for child in sim.machine.children.values()] == [True, True]


# ------------------------------------------------------------------------------------------------ reset


def test_a_reset_forgives_a_child_its_streak_and_what_it_used_of_its_limits():
    policy = FailurePolicy(on(OSError, Limited(1, within=60.0, then=GiveUp())))
    sim = tree(stand_in("a", policy=policy), stand_in("b", policy=policy), intensity=10)
    for id in "ab":
        sim.crash(id, OSError())
    assert sim.reset("a").answered
    assert (sim.child("a").streak, sim.child("b").streak) == (0, 1)
    assert (sim.child("a").crashes, sim.machine.window.used) == (1, 2)
    for id in "ab":
        sim.crash(id, OSError())
    assert sim.states == {"a": "running", "b": "failed"}


def test_a_reset_of_all_forgets_the_restarts_in_the_window_and_the_streaks():
    sim = tree("a", "b", intensity=1)
    sim.crash("a")
    sim.reset()
    assert [spent(sim, id) for id in "ab"] == [(0, 0, 1), (0, 0, 0)]
    sim.crash("b")
    assert sim.exit is None
    sim.crash("b")
    assert isinstance(sim.exit.error, IntensityReached)


def test_a_reset_of_one_child_leaves_the_window_as_it_is():
    sim = tree("a", intensity=1)
    sim.crash("a")
    sim.reset("a")
    sim.crash("a")
    assert isinstance(sim.exit.error, IntensityReached)


def test_a_reset_leaves_a_parked_child_down_and_a_delay_as_it_is():
    sim = tree(stand_in("a", policy=FailurePolicy(on(OSError, GiveUp(), name="gone"))), stand_in("b", policy=LATER))
    sim.crash("a", OSError())
    sim.crash("b")
    sim.reset()
    assert sim.states == {"a": "failed", "b": "backoff"}
    assert (sim.child("a").verdict, sim.trace) == ("gone", [])
    sim.pass_time(1.0)
    assert sim.trace == ["start b"]
