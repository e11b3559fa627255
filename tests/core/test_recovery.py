"""What a failure leads to under a policy: at once, later, not at all, or when what it needs is there again."""

from itertools import permutations

import pytest

from otp import events
from otp.errors import AlreadyPresent, FatalFailure, IntensityReached, MaxChildren, Restarting, StartError
from otp.exits import Crashed, Shutdown
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on
from otp.spec import AutoShutdown, Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

BLIP = FailurePolicy(on(OSError, RestartAfter(Backoff(1.0, jitter=0.0))), healthy_after=60.0)
EVERY = FailurePolicy(
    on(OSError, RestartNow(then=Backoff(1.0, jitter=0.0)), name="announced", expected=True),
    on(KeyError, Fatal()),
    on(ValueError, GiveUp()),
    on(TypeError, Limited(2, within=10.0, then=GiveUp())),
    on(IndexError, Limited(2, within=10.0, then=Fatal())),
    on(ZeroDivisionError, Limited(2, within=10.0)),
    on(LookupError, Limited(2, within=10.0, retry=RestartAfter(Backoff(1.0, jitter=0.0)))),
)


def tree(*children, policy=BLIP, **options):
    specs = [c if not isinstance(c, str) else stand_in(c, policy=policy) for c in children]
    sim = Simulation(supervisor("root", children=specs, **options)).begin()
    sim.take_trace()
    return sim


def test_what_a_rule_could_not_be_told_is_told_with_the_child_and_the_failure_is_decided_all_the_same():
    def odd(_):
        raise ZeroDivisionError

    sim = tree(
        "a", policy=FailurePolicy(on(OSError, GiveUp(), where=odd, name="first"), on(OSError, GiveUp(), name="second"))
    )
    sim.crash("a", OSError())
    assert sim.child("a").verdict == "second"
    (failed,) = sim.failed_calls
    assert failed.role == "where="
    assert failed.name.startswith("first: tests.core.test_recovery.")


# ------------------------------------------------------------------------------------------------ delays


def test_a_delayed_restart_waits_and_says_for_how_long():
    sim = tree("a", "b")
    sim.crash("a", OSError())
    assert sim.states == {"a": "backoff", "b": "running"}
    (delayed,) = sim.of(events.ChildDelayed)
    assert (delayed.delay, delayed.verdict, delayed.streak) == (1.0, "os_error", 1)
    assert sim.child("a").retry_at == 1.0
    sim.pass_time(0.99)
    assert sim.trace == []
    sim.pass_time(0.01)
    assert sim.trace == ["start a"]
    assert sim.states == {"a": "running", "b": "running"}
    assert sim.child("a").retry_at is None
    assert sim.of(events.ChildStarted)[-1].downtime == 1.0


def test_restart_now_waits_only_from_the_second_failure_of_a_streak_on():
    sim = tree("a", policy=EVERY)
    sim.crash("a", OSError())
    assert sim.take_trace() == ["start a"]
    for expected in (1.0, 2.0, 4.0):
        sim.crash("a", OSError())
        assert sim.states == {"a": "backoff"}
        delayed = sim.of(events.ChildDelayed)[-1]
        assert (delayed.delay, delayed.expected) == (expected, True)
        sim.pass_time(expected)
    assert sim.states == {"a": "running"}


def test_the_dice_decide_about_the_jitter():
    policy = FailurePolicy(on(OSError, RestartAfter(Backoff(1.0, jitter=0.5))))
    for dice, expected in ((0.0, 0.5), (0.5, 1.0), (1.0, 1.5)):
        sim = Simulation(supervisor("root", children=[stand_in("a", policy=policy)]), dice=lambda dice=dice: dice)
        sim.begin().crash("a", OSError())
        assert sim.of(events.ChildDelayed)[0].delay == expected


def test_a_delayed_restart_costs_its_credit_when_the_child_fails():
    sim = tree("a", intensity=1, period=5.0)
    sim.crash("a", OSError())
    assert sim.machine.window.used == 1
    sim.pass_time(1.0)
    sim.crash("a", OSError())
    assert isinstance(sim.exit.error, IntensityReached)
    (event,) = sim.of(events.IntensityReached)
    assert (event.intensity, event.period, event.verdict) == (1, 5.0, "os_error")


def test_what_is_expected_costs_no_intensity():
    sim = tree("a", policy=EVERY, intensity=1, period=1000.0)
    for _ in range(10):
        sim.crash("a", OSError())
        sim.pass_time(60.0)
    assert sim.states == {"a": "running"}
    assert sim.machine.window.used == 0


def test_a_provider_that_refuses_for_an_hour_is_asked_a_hundred_and_some_times_no_hot_loop():
    policy = FailurePolicy(on(RuntimeError, RestartAfter(Backoff(0.5, cap=30.0))), healthy_after=60.0)
    sim = tree("a", policy=policy, intensity=1000)
    sim.failing.add("a")
    sim.crash("a")
    sim.pass_time(3600.0)
    assert 100 < sim.trace.count("start a") < 130


# ------------------------------------------------------------------------------------------------ no restart


def test_give_up_parks_the_child_and_its_siblings_live():
    sim = tree("a", "b", policy=EVERY)
    sim.crash("a", ValueError())
    assert sim.states == {"a": "failed", "b": "running"}
    assert sim.of(events.ChildFailed)[0].verdict == "value_error"
    assert sim.trace == []
    sim.pass_time(10_000.0)
    assert sim.states == {"a": "failed", "b": "running"}


@pytest.mark.parametrize("ask", ["restart", "restart_child"])
def test_a_parked_child_is_started_by_request(ask):
    sim = tree("a", policy=EVERY)
    sim.crash("a", ValueError())
    assert getattr(sim, ask)("a").answered
    assert sim.states == {"a": "running"}


def test_a_parked_child_comes_back_with_its_group_s22():
    sim = tree("a", "b", policy=EVERY, strategy=Strategy.ONE_FOR_ALL)
    sim.crash("a", ValueError())
    sim.crash("b", OSError())
    assert sim.states == {"a": "running", "b": "running"}


def test_a_fatal_failure_ends_the_tree_and_restarts_nothing():
    sim = tree("a", "b", policy=EVERY)
    sim.crash("a", KeyError("url"))
    assert sim.trace == ["stop b", "done"]
    assert isinstance(sim.exit.error, FatalFailure)
    assert isinstance(sim.exit.error.__cause__, KeyError)
    assert sim.of(events.FatalFailure)[0].offender == "root/a"


@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize("strategy", Strategy)
def test_a_fatal_failure_below_ends_the_supervisor_above_whatever_its_restart_type(restart, strategy):
    below = supervisor("below", restart=restart)
    sim = Simulation(supervisor("root", children=[stand_in("a"), below], strategy=strategy, intensity=100)).begin()
    fatal = FatalFailure("root/below", "root/below/x", "config_error")
    sim.end("below", Crashed(fatal))
    assert sim.exit == Crashed(fatal)


def test_a_fatal_failure_of_a_supervisor_that_starts_ends_the_one_above_too():
    sim = tree("a", supervisor("below"), intensity=100)
    sim.slow.add("below")
    error = StartError("root/below/x", "it failed")
    error.__cause__ = FatalFailure("root/below", "root/below/x", "config_error")
    sim.crash("below")
    sim.fail("below", error)
    assert isinstance(sim.exit.error, FatalFailure)


def test_a_limit_of_its_own_and_then_give_up():
    sim = tree("a", policy=EVERY, intensity=100)
    for _ in range(3):
        sim.crash("a", TypeError())
    assert sim.states == {"a": "failed"}
    assert sim.trace == ["start a", "start a"]


def test_a_limit_of_its_own_and_then_fatal():
    sim = tree("a", policy=EVERY, intensity=100)
    for _ in range(3):
        sim.crash("a", IndexError())
    assert isinstance(sim.exit.error, FatalFailure)


def test_a_limit_of_its_own_and_then_the_one_above_decides():
    sim = tree("a", policy=EVERY, intensity=100)
    for _ in range(3):
        sim.crash("a", ZeroDivisionError())
    assert isinstance(sim.exit.error, IntensityReached)
    (event,) = sim.of(events.IntensityReached)
    assert (event.intensity, event.period, event.verdict) == (2, 10.0, "zero_division_error")


def test_a_limit_forgets_after_its_time():
    sim = tree("a", policy=EVERY, intensity=100)
    for _ in range(10):
        sim.crash("a", ZeroDivisionError())
        sim.pass_time(6.0)
    assert sim.states == {"a": "running"}


def test_restarts_within_a_limit_of_its_own_cost_intensity_too():
    sim = tree("a", policy=EVERY, intensity=1)
    sim.crash("a", TypeError())
    sim.crash("a", TypeError())
    assert isinstance(sim.exit.error, IntensityReached)
    assert sim.of(events.IntensityReached)[0].intensity == 1


def test_a_limit_may_delay_those_within_it():
    sim = tree("a", policy=EVERY)
    sim.crash("a", LookupError())
    assert sim.states == {"a": "backoff"}


def test_limits_of_two_classes_of_failure_do_not_add_up():
    sim = tree("a", policy=EVERY, intensity=100)
    for error in (TypeError(), IndexError(), TypeError(), IndexError()):
        sim.crash("a", error)
    assert sim.states == {"a": "running"}


# ------------------------------------------------------------------------------------------------ the first start


def test_with_a_policy_the_first_start_is_tried_again_and_those_behind_wait():
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=BLIP), stand_in("b")]), slow="a").begin()
    sim.fail("a", OSError())
    assert sim.states == {"a": "backoff", "b": "pending"}
    sim.pass_time(1.0)
    sim.ready("a")
    assert sim.trace == ["start a", "start a", "start b", "ready"]


@pytest.mark.parametrize("strategy", Strategy)
def test_a_first_start_that_is_tried_again_takes_no_sibling_along(strategy):
    children = [stand_in("a"), stand_in("b", policy=EVERY), stand_in("c")]
    sim = Simulation(supervisor("root", children=children, strategy=strategy), slow="b").begin()
    sim.fail("b", OSError())
    sim.ready("b")
    assert sim.trace == ["start a", "start b", "start b", "start c", "ready"]


def test_a_supervisor_below_that_does_not_start_is_not_tried_again_in_the_first_start_s13():
    below = supervisor("below", policy=BLIP)
    sim = Simulation(supervisor("root", children=[stand_in("a"), below]), slow=["below"]).begin()
    sim.fail("below", OSError())
    assert sim.trace == ["start a", "start below", "stop a", "done"]
    assert isinstance(sim.exit.error, StartError)


def test_that_a_child_returned_may_be_fatal_too():
    sim = tree("a", policy=FailurePolicy(otherwise=Fatal()))
    sim.end("a")
    assert isinstance(sim.exit.error, FatalFailure)
    assert sim.exit.error.__cause__ is None


@pytest.mark.parametrize("reason", [{"policy": BLIP}, {"needs": ("redis",)}])
def test_a_temporary_child_has_one_start_whatever_its_policy_says_s13(reason):
    temporary = stand_in("a", restart=Restart.TEMPORARY, **reason)
    sim = Simulation(supervisor("root", children=[temporary]), slow="a", down=["redis"]).begin()
    sim.fail("a", OSError())
    assert isinstance(sim.exit, Crashed)
    assert isinstance(sim.exit.error, StartError)


def test_a_first_start_whose_failure_is_fatal_ends_the_tree():
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=EVERY)]), slow="a").begin()
    sim.fail("a", KeyError())
    assert isinstance(sim.exit.error, FatalFailure)


def test_a_first_start_that_is_given_up_lets_the_others_start():
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=EVERY), stand_in("b")]), slow="a").begin()
    sim.fail("a", ValueError())
    assert sim.states == {"a": "failed", "b": "running"}
    assert sim.trace[-1] == "ready"


def test_a_first_start_that_fails_too_often_gives_up():
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=EVERY)], intensity=1), slow="a").begin()
    sim.fail("a", RuntimeError())
    sim.fail("a", RuntimeError())
    assert isinstance(sim.exit.error, IntensityReached)


def test_a_start_by_request_is_never_tried_again_s49():
    sim = tree()
    sim.slow.add("a")
    asked = sim.start_child(stand_in("a", policy=BLIP))
    sim.fail("a", OSError())
    assert isinstance(asked.result, StartError)
    assert sim.states == {}


def test_terminating_one_that_waits_in_the_first_start_lets_the_others_start():
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=BLIP), stand_in("b")]), slow="a").begin()
    sim.fail("a", OSError())
    assert sim.terminate_child("a").answered
    assert sim.states == {"a": "stopped", "b": "running"}
    assert sim.trace[-1] == "ready"


# ------------------------------------------------------------------------------------------------ requests while it waits


def test_terminate_wins_over_a_delay_and_the_timer_is_gone_pitfall_14():
    sim = tree("a")
    sim.crash("a", OSError())
    assert sim.terminate_child("a").result is None
    assert sim.timers == {}
    assert sim.child("a").retry_at is None
    sim.pass_time(100.0)
    assert sim.states == {"a": "stopped"}


def test_a_child_that_was_deleted_and_added_again_is_not_hit_by_the_old_delay_pitfall_14():
    sim = tree("a")
    sim.crash("a", OSError())
    sim.terminate_child("a")
    sim.delete_child("a")
    sim.start_child(stand_in("a", policy=BLIP))
    sim.take_trace()
    sim.pass_time(100.0)
    assert sim.trace == []


@pytest.mark.parametrize("ready", [True, False])
def test_a_restart_by_request_does_not_wait_for_the_delay(ready):
    sim = tree(stand_in("a", policy=BLIP, ready=ready))
    sim.crash("a", OSError())
    assert sim.restart("a").answered
    assert sim.states == {"a": "running"}
    assert sim.timers == {}
    assert sim.child("a").retry_at is None
    assert sim.child("a").manual == 1


def test_a_child_that_waits_is_being_restarted_s36():
    sim = tree("a")
    sim.crash("a", OSError())
    assert isinstance(sim.restart_child("a").result, Restarting)
    assert isinstance(sim.delete_child("a").result, Restarting)
    assert isinstance(sim.start_child(stand_in("a")).result, AlreadyPresent)


def test_a_stop_wins_over_a_delay():
    sim = tree("a", "b")
    sim.crash("a", OSError())
    sim.stop()
    assert sim.exit == Shutdown()
    assert sim.timers == {}


def test_a_significant_child_that_waits_for_its_delay_counts_as_alive_s40():
    children = [stand_in(id, policy=BLIP, restart=Restart.TRANSIENT, significant=True) for id in ("a", "b")]
    sim = tree(*children, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)
    sim.crash("a", OSError())
    sim.end("b")
    assert sim.states == {"a": "backoff", "b": "done"}
    sim.pass_time(1.0)
    sim.end("a")
    assert sim.exit == Shutdown("auto_shutdown")


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_significant_children_that_wait_or_are_parked_count_as_alive_in_whatever_order_they_end_s40(order):
    children = [stand_in(id, policy=EVERY, restart=Restart.TRANSIENT, significant=True) for id in ("a", "b", "c")]
    sim = tree(*children, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)
    ends = {"a": LookupError(), "b": ValueError(), "c": None}
    for id in order:
        sim.crash(id, ends[id]) if ends[id] else sim.end(id)
    assert sim.states == {"a": "backoff", "b": "failed", "c": "done"}
    sim.pass_time(1.0)
    sim.end("a")
    assert sim.exit is None
    sim.terminate_child("b")
    sim.restart("a")
    sim.end("a")
    assert sim.exit == Shutdown("auto_shutdown")


# ------------------------------------------------------------------------------------------------ groups


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
def test_a_group_goes_on_until_the_restart_is_due_and_is_then_restarted_in_order(strategy):
    sim = tree("a", "b", strategy=strategy)
    sim.crash("a", OSError())
    assert sim.states == {"a": "backoff", "b": "running"}
    sim.pass_time(1.0)
    assert sim.trace == ["stop b", "start a", "start b"]


def test_a_group_waits_for_the_longest_delay_in_it():
    slow = FailurePolicy(on(OSError, RestartAfter(Backoff(10.0, jitter=0.0))))
    sim = tree("a", stand_in("b", policy=slow), "c", strategy=Strategy.ONE_FOR_ALL)
    sim.crash("a", OSError())
    sim.crash("b", OSError())
    sim.pass_time(9.9)
    assert sim.trace == []
    sim.pass_time(0.1)
    assert sim.trace == ["stop c", "start a", "start b", "start c"]
    assert sim.timers == {}
    sim.pass_time(100.0)
    assert sim.states == {"a": "running", "b": "running", "c": "running"}


def test_a_child_that_waits_for_its_group_says_until_when_and_waits_no_longer():
    slow = FailurePolicy(on(OSError, RestartAfter(Backoff(10.0, jitter=0.0))))
    sim = tree("a", stand_in("b", policy=slow), strategy=Strategy.ONE_FOR_ALL)
    sim.crash("a", OSError())
    sim.crash("b", OSError())
    sim.pass_time(1.0)
    assert (sim.states["a"], sim.child("a").retry_at) == ("backoff", 10.0)
    sim.terminate_child("b")
    sim.pass_time(8.9)
    assert sim.trace == []
    sim.pass_time(0.1)
    assert sim.trace == ["start a", "start b"]


@pytest.mark.parametrize("ready", [True, False])
def test_a_group_that_is_restarted_at_once_takes_along_one_that_waits_for_its_delay(ready):
    sim = tree(stand_in("a", policy=BLIP, ready=ready), stand_in("b"), strategy=Strategy.ONE_FOR_ALL)
    sim.crash("a", OSError())
    sim.crash("b")
    assert sim.trace == ["start a", "start b"]
    assert sim.timers == {}
    assert sim.child("a").retry_at is None


def test_those_that_are_not_restarted_with_it_are_not_waited_for():
    slow = FailurePolicy(on(OSError, RestartAfter(Backoff(10.0, jitter=0.0))))
    sim = tree(stand_in("a", policy=slow), "b", strategy=Strategy.REST_FOR_ONE)
    sim.crash("a", OSError())
    sim.crash("b", OSError())
    sim.pass_time(1.0)
    assert sim.take_trace() == ["start b"]
    sim.pass_time(9.0)
    assert sim.trace == ["stop b", "start a", "start b"]


def test_a_delay_that_ends_during_the_startup_waits_for_it():
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=BLIP), stand_in("b")]), slow="b").begin()
    sim.crash("a", OSError())
    sim.ready("b")
    assert sim.states == {"a": "backoff", "b": "running"}
    sim.pass_time(1.0)
    assert sim.states == {"a": "running", "b": "running"}


def test_a_delay_that_ends_during_another_restart_waits_for_it():
    sim = tree("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    sim.crash("a", OSError())
    sim.stubborn.add("c")
    sim.restart("b")
    sim.pass_time(1.0)
    assert sim.trace == ["stop c"]
    sim.stubborn.clear()
    sim.take_trace()
    sim.end("c", Shutdown())
    assert sim.trace == ["stop b", "start b", "start c", "stop c", "stop b", "start a", "start b", "start c"]


def test_a_dynamic_child_waits_too_and_counts_towards_the_limit():
    sim = Simulation(dynamic_supervisor("root", max_children=1)).begin()
    sim.start_child(stand_in("a", policy=BLIP))
    sim.crash("a", OSError())
    assert sim.states == {"a": "backoff"}
    assert isinstance(sim.start_child(stand_in("b")).result, MaxChildren)
    sim.pass_time(1.0)
    assert sim.states == {"a": "running"}


@pytest.mark.parametrize("error", [OSError(), ValueError()], ids=["that waits", "that is parked"])
def test_a_child_that_is_terminated_while_it_is_down_is_told_to_be_down(error):
    sim = tree("a", policy=EVERY if isinstance(error, ValueError) else BLIP)
    sim.crash("a", error)
    sim.terminate_child("a")
    (exited,) = sim.of(events.ChildExited)
    assert (exited.path, exited.exit, exited.asked) == ("root/a", Shutdown(), True)
