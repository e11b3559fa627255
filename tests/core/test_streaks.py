"""Failures in a row: what is part of a streak, and when a child has recovered."""

from otp import events
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, RestartAfter, RestartNow, on
from otp.spec import Strategy, supervisor
from tests.simulation import Simulation, stand_in

BLIP = FailurePolicy(on(OSError, RestartAfter(Backoff(1.0, jitter=0.0))), healthy_after=60.0)


def tree(*children, policy=BLIP, **options):
    sim = Simulation(supervisor("root", children=[stand_in(c, policy=policy) for c in children], **options)).begin()
    sim.take_trace()
    return sim


def test_delays_grow_within_a_streak_and_begin_anew_after_being_healthy_c17():
    sim = tree("a", intensity=100)
    delays = []
    for up in (0.0, 59.9, 59.9, 60.0, 0.0):
        sim.pass_time(up)
        sim.crash("a", OSError())
        delays.append(sim.of(events.ChildDelayed)[-1].delay)
        sim.pass_time(delays[-1])
    assert delays == [1.0, 2.0, 4.0, 1.0, 2.0]


def test_a_start_that_fails_is_part_of_the_streak():
    sim = tree("a")
    sim.slow.add("a")
    sim.crash("a", OSError())
    sim.pass_time(1.0)
    sim.fail("a", OSError())
    assert [event.delay for event in sim.of(events.ChildDelayed)] == [1.0, 2.0]


def test_a_start_that_fails_is_part_of_the_streak_also_after_long_being_up():
    sim = tree("a")
    sim.pass_time(1000.0)
    sim.slow.add("a")
    sim.crash("a", OSError())
    sim.pass_time(1.0)
    sim.fail("a", OSError())
    assert [event.streak for event in sim.of(events.ChildDelayed)] == [1, 2]


def test_a_start_that_takes_too_long_is_part_of_the_streak_also_after_long_being_up():
    policy = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, jitter=0.0)))
    sim = Simulation(supervisor("root", children=[stand_in("a", policy=policy, start_timeout=5.0)])).begin()
    sim.pass_time(1000.0)
    sim.slow.add("a")
    sim.crash("a")
    sim.pass_time(1.0)
    sim.pass_time(5.0)
    assert [event.streak for event in sim.of(events.ChildDelayed)] == [1, 2]


def stopped_with_its_group(*, up):
    """The streak of a child that failed before, was up for so long, was stopped with its group and failed to start."""
    sim = tree("a", "b", strategy=Strategy.ONE_FOR_ALL, intensity=9)
    sim.crash("b", OSError())
    sim.pass_time(1.0)
    sim.pass_time(up)
    sim.slow.update("ab")
    sim.restart("a")
    sim.pass_time(100.0)
    sim.ready("a")
    sim.fail("b", OSError())
    return sim.child("b").streak


def test_the_time_down_is_no_part_of_being_healthy():
    assert stopped_with_its_group(up=59.9) == 2
    assert stopped_with_its_group(up=60.0) == 1


def test_when_a_child_has_recovered_is_said_by_its_policy():
    sim = tree("a", policy=FailurePolicy(on(OSError, RestartNow()), healthy_after=5.0))
    for up in (4.9, 4.9, 5.0):
        sim.pass_time(up)
        sim.crash("a", OSError())
    assert [event.streak for event in sim.of(events.ChildRestarting)] == [1, 2, 1]


def test_without_a_policy_failures_in_a_row_are_counted_too_until_a_minute_up():
    sim = tree("a", policy=None, intensity=9)
    for up in (0.0, 0.0, 60.0):
        sim.pass_time(up)
        sim.crash("a")
    assert [event.streak for event in sim.of(events.ChildRestarting)] == [1, 2, 1]


def below_again(sim):
    """The supervisor itself is restarted: its next incarnation, with the same children."""
    sim.stop()
    again = Simulation(sim.machine.spec)
    again.now = sim.now
    again.machine.inherit(sim.machine.children)
    return again


def test_a_streak_goes_on_when_the_supervisor_above_is_restarted():
    sim = tree("a", intensity=9)
    sim.crash("a", OSError())
    sim.pass_time(1.0)
    again = below_again(sim).begin()
    again.crash("a", OSError())
    assert [event.delay for event in again.of(events.ChildDelayed)] == [2.0]


def test_a_child_that_was_healthy_before_its_supervisor_was_restarted_begins_a_new_streak():
    sim = tree("a", intensity=9)
    sim.crash("a", OSError())
    sim.pass_time(1000.0)
    again = below_again(sim)
    again.slow.add("a")
    again.begin().fail("a", OSError())
    assert [event.delay for event in again.of(events.ChildDelayed)] == [1.0]


def test_a_restart_says_by_which_verdict_and_one_by_request_has_none():
    policy = FailurePolicy(
        on(OSError, RestartNow(), name="announced"), on(LookupError, RestartAfter(Backoff(1.0, jitter=0.0)))
    )
    sim = tree("a", policy=policy)
    sim.crash("a", OSError())
    sim.crash("a", LookupError())
    sim.pass_time(2.0)
    sim.restart("a")
    told = [(str(event.cause), event.verdict, event.streak) for event in sim.of(events.ChildRestarting)]
    assert told == [("crash", "announced", 1), ("crash", "lookup_error", 2), ("manual", "", 2)]


def test_a_failure_that_parks_a_child_or_ends_its_supervisor_says_which_in_a_row_it_is():
    for verdict, event in ((GiveUp(), events.ChildFailed), (Fatal(), events.FatalFailure)):
        policy = FailurePolicy(on(OSError, RestartNow()), on(KeyError, verdict))
        sim = tree("a", policy=policy)
        sim.crash("a", OSError())
        sim.crash("a", KeyError())
        assert [told.streak for told in sim.of(event)] == [2]
    sim = tree("a", intensity=1)
    sim.crash("a", RuntimeError())
    sim.crash("a", RuntimeError())
    assert [told.streak for told in sim.of(events.IntensityReached)] == [2]
