"""What the settings of a tree mean for one child, held against what a machine then does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.core.explain import explain
from otp.errors import IntensityReached, NotFound
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, on
from otp.spec import Restart, Strategy, supervisor
from tests.simulation import Simulation, stand_in

BLIP = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, jitter=0.0)))


def only(child, **options):
    return explain(supervisor("root", children=[child], **options), f"root/{child.id}")


def test_without_a_policy_the_budget_is_gone_at_once():
    found = only(stand_in("a"))
    (course,) = found.courses
    assert (course.delays[:2], course.failures, course.after) == ((0.0, 0.0), 4, 0.0)
    assert [(level.path, level.after, level.then) for level in found.levels] == [
        ("root", 0.0, "the process exits with 70")
    ]


def test_delays_that_outlast_the_period_never_end():
    found = only(stand_in("a", policy=BLIP), intensity=5, period=60.0)
    assert found.courses[0].failures == 6
    assert found.courses[0].after == 31.0
    assert only(stand_in("a", policy=BLIP), intensity=6, period=60.0).courses[0].failures is None


def test_a_fatal_failure_and_one_that_is_parked_say_so():
    policy = FailurePolicy(
        on(KeyError, Fatal()), on(ValueError, GiveUp()), otherwise=Limited(2, within=9.0, then=Fatal())
    )
    fatal, parked, limited = only(stand_in("a", policy=policy)).courses
    assert fatal.then == "the whole tree stops, the process exits with 78"
    assert parked.then == "parked as failed, its siblings live"
    assert (limited.failures, limited.then) == (3, fatal.then)


def test_what_is_expected_does_not_count_towards_the_budget():
    policy = FailurePolicy(on(OSError, RestartNow(then=Backoff(0.1)), expected=True))
    assert only(stand_in("a", policy=policy), intensity=0).courses[0].failures is None


def test_the_way_up_is_followed_to_the_process():
    inner = supervisor("inner", intensity=1, period=10.0, children=[stand_in("a", policy=BLIP)])
    tree = supervisor("root", intensity=2, period=60.0, children=[supervisor("outer", intensity=1, children=[inner])])
    levels = explain(tree, "root/outer/inner/a").levels
    assert [(level.path, level.after) for level in levels] == [
        ("root/outer/inner", 1.0),
        ("root/outer", 2.0),
        ("root", 6.0),
    ]
    assert [level.then for level in levels] == [
        "outer restarts inner as a whole",
        "root restarts outer as a whole",
        "the process exits with 70",
    ]


def test_a_level_that_takes_its_time_may_never_be_over():
    inner = supervisor("inner", intensity=1, period=10.0, children=[stand_in("a", policy=BLIP)])
    levels = explain(supervisor("root", intensity=5, period=4.0, children=[inner]), "root/inner/a").levels
    assert levels[-1].after is None


def test_a_temporary_supervisor_is_the_end_of_the_way():
    inner = supervisor("inner", restart=Restart.TEMPORARY, children=[stand_in("a")])
    (level,) = explain(supervisor("root", children=[inner]), "root/inner/a").levels
    assert level.then == "inner is gone, root goes on"


def test_a_temporary_child_has_no_courses():
    found = only(stand_in("a", restart=Restart.TEMPORARY))
    assert (found.courses, found.levels) == ((), ())
    assert "never restarted" in str(found)


@pytest.mark.parametrize(
    ("strategy", "along"),
    [(Strategy.ONE_FOR_ONE, ()), (Strategy.ONE_FOR_ALL, ("a", "c")), (Strategy.REST_FOR_ONE, ("c",))],
)
def test_whom_a_restart_takes_along(strategy, along):
    tree = supervisor("root", strategy=strategy, children=[stand_in(id) for id in "abc"])
    assert explain(tree, "root/b").takes_along == along


@pytest.mark.parametrize("path", ["", "root", "other/a", "root/x", "root/a/b"])
def test_an_unknown_path_is_not_found(path):
    with pytest.raises(NotFound):
        explain(supervisor("root", children=[stand_in("a")]), path)


def test_it_reads_as_text():
    policy = FailurePolicy(
        on(OSError, RestartAfter(Backoff(0.5, jitter=0.0)), name="network_blip"), otherwise=Limited(3, within=60.0)
    )
    tree = supervisor("feed", intensity=10, period=60.0, children=[stand_in("ws", policy=policy)])
    assert str(explain(tree, "feed/ws")) == (
        "feed/ws  permanent, restarts alone\n"
        "  network_blip  0.5 → 1 → 2 → 4 → 8 → 16 s …, restarted for ever\n"
        "  unclassified  at once; failure 4 in a row, 0 s after the first: feed gives up\n"
        "  feed (10 in 60 s): at the earliest gives up 0 s after the first failure; the process exits with 70"
    )


def test_what_waits_what_is_parked_and_what_is_fatal_read_as_text():
    policy = FailurePolicy(
        on(KeyError, Fatal()), on(ValueError, GiveUp()), otherwise=Limited(2, within=9.0, then=GiveUp())
    )
    assert str(only(stand_in("a", policy=policy, needs=("redis",)))) == (
        "root/a  permanent, restarts alone\n"
        "  held, at no cost, while redis is down\n"
        "  key_error     the whole tree stops, the process exits with 78\n"
        "  value_error   parked as failed, its siblings live\n"
        "  unclassified  at once; failure 3 in a row, 0 s after the first: parked as failed, its siblings live\n"
        "  root (3 in 5 s): never gives up"
    )


def test_a_temporary_child_reads_as_one_line():
    temporary = stand_in("a", restart=Restart.TEMPORARY, needs=("redis",))
    assert str(only(temporary)) == "root/a  temporary, never restarted: it is gone when it has ended"


@pytest.mark.parametrize(
    ("action", "then"),
    [
        (GiveUp(), "inner is parked as failed, its siblings live"),
        (Fatal(), "the whole tree stops, the process exits with 78"),
    ],
)
def test_what_follows_a_supervisor_that_gives_up_is_said_by_its_own_policy(action, then):
    inner = supervisor("inner", children=[stand_in("a")], policy=FailurePolicy(otherwise=action))
    tree = supervisor("root", children=[inner])
    (level,) = explain(tree, "root/inner/a").levels
    assert level.then == then
    sim = Simulation(tree).begin()
    sim.crash("inner", IntensityReached("root/inner", "root/inner/a", 3, 5.0))
    assert (sim.exit is None) == (action == GiveUp())


def test_a_supervisor_that_may_give_up_a_few_times_is_parked_then():
    policy = FailurePolicy(otherwise=Limited(2, within=60.0, then=GiveUp()))
    inner = supervisor("inner", children=[stand_in("a")], policy=policy)
    below, above = explain(supervisor("root", children=[inner]), "root/inner/a").levels
    assert (below.then, above.after) == ("root restarts inner as a whole", None)


@given(
    st.integers(0, 6),
    st.sampled_from([1.0, 5.0, 60.0]),
    st.one_of(st.none(), st.builds(lambda i, f: Backoff(i, f, 30.0, 0.0), st.floats(0.1, 5.0), st.floats(1.0, 3.0))),
    st.integers(1, 4),
)
def test_a_machine_gives_up_when_it_was_said_to(intensity, period, backoff, limit):
    retry = RestartNow() if backoff is None else RestartAfter(backoff)
    policy = FailurePolicy(otherwise=Limited(limit, within=20.0, retry=retry))
    spec = supervisor("root", intensity=intensity, period=period, children=[stand_in("a", policy=policy)])
    (course,) = explain(spec, "root/a").courses
    sim = Simulation(spec).begin()
    failures = 0
    while sim.exit is None and failures < 40:
        failures += 1
        sim.crash("a")
        if sim.exit is None:
            sim.pass_time(sim.child("a").retry_at - sim.now if sim.child("a").retry_at else 0.0)
    if course.failures is None:
        assert failures == 40
    else:
        assert isinstance(sim.exit.error, IntensityReached)
        assert (failures, round(sim.now, 6)) == (course.failures, round(course.after, 6))


def test_a_supervisor_that_was_healthy_in_between_begins_its_delays_anew():
    growing = FailurePolicy(otherwise=RestartAfter(Backoff(10.0, factor=10.0, cap=1e6, jitter=0.0)), healthy_after=60.0)
    slow = FailurePolicy(otherwise=RestartAfter(Backoff(70.0, factor=1.0, cap=70.0, jitter=0.0)))
    inner = supervisor("inner", intensity=1, period=100.0, children=[stand_in("a", policy=slow)], policy=growing)
    tree = supervisor("root", intensity=2, period=1_000.0, children=[inner])
    assert [level.after for level in explain(tree, "root/inner/a").levels] == [70.0, 70.0 + 80.0 + 80.0]


def test_a_limit_for_which_a_supervisor_gives_up_too_slowly_is_never_reached():
    policy = FailurePolicy(otherwise=Limited(2, within=1.0, then=GiveUp()))
    inner = supervisor("inner", intensity=1, period=10.0, children=[stand_in("a", policy=BLIP)], policy=policy)
    tree = supervisor("root", intensity=3, period=60.0, children=[inner])
    assert [level.after for level in explain(tree, "root/inner/a").levels] == [1.0, 4.0]


def test_a_window_is_filled_by_more_equal_delays_than_it_takes_to_call_them_steady():
    policy = FailurePolicy(otherwise=RestartAfter(Backoff(0.1, factor=1.0, jitter=0.0)))
    (course,) = only(stand_in("a", policy=policy), intensity=200, period=60.0).courses
    assert course.failures == 201


def test_the_earliest_end_takes_all_jitter_in_favour_of_haste():
    policy = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, factor=1.0, jitter=0.5)))
    (course,) = only(stand_in("a", policy=policy), intensity=2, period=60.0).courses
    assert (course.delays[0], course.failures, course.after) == (1.0, 3, 1.0)


def test_an_expected_failure_without_any_delay_at_the_least_jitter_is_restarted_for_ever():
    policy = FailurePolicy(on(OSError, RestartAfter(Backoff(1.0, jitter=1.0)), expected=True))
    assert only(stand_in("a", policy=policy)).courses[0].failures is None
