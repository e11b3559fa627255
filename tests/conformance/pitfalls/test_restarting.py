"""What is restarted, how often, and at what cost: pitfalls 1-6, 9, 10, 12, 31."""

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from otp import IntensityReached, Restart, StartError, Strategy, events, exits, open_supervisor, supervisor, worker
from otp.testing import Crash, EventRecorder, FailStart, Finish, Journal, Probe, Run
from tests.simulation import Simulation, stand_in

LONG = 3600.0
ENDLESS = {"intensity": 10**9, "period": 1.0}


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


async def test_the_crash_of_one_leaves_its_siblings_as_they_are_pitfall_1():
    a, recorder, told = Probe("a"), EventRecorder(), anyio.Event()
    lives = []

    async def sibling():
        lives.append(anyio.get_current_task().id)
        await told.wait()
        lives.append(anyio.get_current_task().id)
        await anyio.sleep_forever()

    spec = supervisor("root", children=[a.spec(), worker("b", sibling)])
    async with open_supervisor(spec, hooks=[recorder]) as root:
        for starts in (2, 3, 4):
            a.crash()
            await recorder.wait_for(events.ChildStarted, "root/a", count=starts)
        assert (root.child("b").state, root.child("b").generation) == ("running", 1)
        told.set()
        await turns()
        assert len(lives) == 2
        assert lives[0] == lives[1]


async def test_a_permanent_child_that_returns_is_restarted_counted_and_reported_pitfall_2():
    starts, recorder = 0, EventRecorder()

    async def returns():
        nonlocal starts
        starts += 1

    with pytest.raises(IntensityReached):
        async with open_supervisor(supervisor("root", children=[worker("c", returns)]), hooks=[recorder]):
            await anyio.sleep_forever()
    assert starts == 1 + 3
    assert [(e.used, e.exit) for e in recorder.of(events.ChildRestarting)] == [(n, exits.Normal()) for n in (1, 2, 3)]
    assert [e.exit for e in recorder.of(events.IntensityReached)] == [exits.Normal()]


@pytest.mark.parametrize("intensity", [0, 1, 2, 5])
async def test_one_restart_more_than_the_intensity_ends_it_and_is_not_begun_pitfall_3(intensity):
    a, recorder = Probe("a", Crash(ValueError("again"))), EventRecorder()
    with pytest.raises(IntensityReached):
        async with open_supervisor(
            supervisor("root", intensity=intensity, period=LONG, children=[a.spec()]), hooks=[recorder]
        ):
            await anyio.sleep_forever()
    assert a.starts == 1 + intensity
    assert len(recorder.of(events.ChildRestarting)) == intensity


def survives(intensity, period, stamps):
    """The algorithm of S27, in float seconds: how many of these crashes the supervisor survives."""
    window = []
    for count, now in enumerate(stamps):
        window = [now, *(stamp for stamp in window if stamp >= now - period)]
        if len(window) > intensity:
            return count
    return len(stamps)


@given(st.integers(0, 4), st.sampled_from([0.5, 1.0, 4.0]), st.lists(st.integers(0, 10), max_size=30))
def test_the_window_is_that_of_s27_with_its_bounds_included_pitfall_4(intensity, period, quarters):
    simulation = Simulation(supervisor("root", intensity=intensity, period=period, children=[stand_in("a")])).begin()
    stamps, crashes = [], 0
    for gap in quarters:
        simulation.pass_time(gap / 4)
        stamps.append(simulation.now)
        if simulation.exit is None:
            simulation.crash("a")
            crashes += simulation.exit is None
    assert crashes == survives(intensity, period, stamps)


@pytest.mark.parametrize(("later", "lives"), [(5.0, False), (5.001, True)])
def test_a_restart_exactly_one_period_ago_counts_and_a_little_longer_ago_does_not_pitfall_4(later, lives):
    simulation = Simulation(supervisor("root", intensity=1, period=5.0, children=[stand_in("a")])).begin()
    simulation.pass_time(0.75)
    simulation.crash("a")
    simulation.pass_time(later)
    simulation.crash("a")
    assert (simulation.exit is None) is lives


@pytest.mark.parametrize("at_once", [True, False])
async def test_each_try_of_a_failed_restart_costs_a_credit_pitfall_5(at_once):
    starts, gate = 0, anyio.Event()

    async def broken(*, task_status):
        nonlocal starts
        starts += 1
        if starts == 1:
            task_status.started()
            await gate.wait()
        elif not at_once:
            await checkpoint()
        raise ValueError

    with pytest.raises(IntensityReached):
        async with open_supervisor(supervisor("root", intensity=50, children=[worker("c", broken, ready=True)])):
            gate.set()
            await anyio.sleep_forever()
    assert starts == 1 + 50


async def test_requests_are_answered_between_the_tries_and_a_terminate_ends_them_pitfall_5():
    broken = Probe("broken", Run(), FailStart(ValueError("never again")))
    async with open_supervisor(supervisor("root", **ENDLESS, children=[broken.spec()])) as root:
        broken.crash()
        await turns(50)
        assert broken.starts > 5
        assert await root.start_child(Probe("new").spec()) == 1
        assert root.child("new").state == "running"
        await root.terminate_child("broken")
        tries = broken.starts
        await turns(50)
        assert (broken.starts, root.child("broken").state) == (tries, "stopped")


async def test_a_tree_that_tries_for_ever_can_be_cancelled_pitfall_5():
    broken, sibling = Probe("broken", Run(), FailStart(ValueError("never again"))), Probe("sibling")
    tries = 0
    with anyio.CancelScope() as outside:
        async with open_supervisor(supervisor("root", **ENDLESS, children=[sibling.spec(), broken.spec()])):
            broken.crash()
            await turns(50)
            tries = broken.starts
            outside.cancel()
            await anyio.sleep_forever()
    assert outside.cancelled_caught
    assert 0 < tries <= broken.starts <= tries + 5
    assert (sibling.alive, broken.alive) == (0, 0)


async def test_a_failed_first_start_is_undone_and_a_failed_restart_is_tried_again_pitfall_6():
    journal: Journal = []
    first = [Probe("a", journal=journal), Probe("b", FailStart(ValueError("no")), journal=journal), Probe("c")]
    with pytest.raises(StartError):
        async with open_supervisor(supervisor("root", children=[p.spec() for p in first])):
            raise AssertionError("the block must not begin")
    assert journal == ["start a", "start b", "end b", "end a"]
    assert first[2].starts == 0

    later, recorder = (
        Probe("b", Run(), FailStart(ValueError("no")), FailStart(ValueError("no")), Run()),
        EventRecorder(),
    )
    async with open_supervisor(supervisor("root", children=[later.spec()]), hooks=[recorder]):
        later.crash()
        await recorder.wait_for(events.ChildStarted, "root/b", count=2)
        assert later.starts == 4


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize(
    ("restart", "act"),
    [(Restart.TEMPORARY, Crash(ValueError("no"))), (Restart.TRANSIENT, Finish())],
    ids=["temporary crash", "transient normal"],
)
async def test_an_end_without_a_restart_touches_no_sibling_and_costs_nothing_pitfall_9(strategy, restart, act):
    before, ending, after, recorder = Probe("before"), Probe("ending", act), Probe("after"), EventRecorder()
    children = [before.spec(), ending.spec(restart=restart), after.spec()]
    async with open_supervisor(supervisor("root", strategy=strategy, intensity=0, children=children), hooks=[recorder]):
        await recorder.wait_for(events.ChildExited, "root/ending")
        await turns()
        assert (before.starts, ending.starts, after.starts) == (1, 1, 1)
        assert (before.alive, after.alive) == (1, 1)


@pytest.mark.parametrize(
    ("strategy", "intensity", "lives"),
    [
        (Strategy.ONE_FOR_ALL, 0, False),
        (Strategy.ONE_FOR_ALL, 1, True),
        (Strategy.ONE_FOR_ONE, 1, False),
        (Strategy.ONE_FOR_ONE, 2, True),
    ],
)
async def test_two_crashes_in_one_tick_cost_one_for_all_one_credit_and_one_for_one_two_pitfall_10(
    strategy, intensity, lives
):
    both, starts = anyio.Event(), []

    async def child(name):
        starts.append(name)
        if starts.count(name) == 1:
            await both.wait()
            raise ValueError
        await anyio.sleep_forever()

    spec = supervisor("root", strategy=strategy, intensity=intensity, children=[worker(n, child, n) for n in "ab"])
    survived = False
    try:
        async with open_supervisor(spec):
            await turns()
            both.set()
            await turns()
            assert sorted(starts) == ["a", "a", "b", "b"]
            survived = True
    except IntensityReached:
        pass
    assert survived is lives


@pytest.mark.parametrize(
    ("restart", "starts"), [(Restart.PERMANENT, 2), (Restart.TRANSIENT, 2), (Restart.TEMPORARY, 1)]
)
async def test_a_supervisor_over_its_limit_is_a_failure_also_for_a_transient_entry_above_pitfall_12(restart, starts):
    a, recorder = Probe("a"), EventRecorder()
    inner = supervisor("inner", intensity=0, restart=restart, children=[a.spec()])
    async with open_supervisor(supervisor("root", intensity=1, children=[inner]), hooks=[recorder]) as root:
        a.crash()
        await recorder.wait_for(events.SupervisorExited, "root/inner")
        await turns()
        assert (a.starts, a.alive) == (starts, starts - 1)
        assert [child.id for child in root.which_children()] == ["inner"][: starts - 1]
        assert recorder.of(events.SupervisorExited)[0].exit.crash.type == "otp.errors.IntensityReached"


async def test_starts_by_request_that_fail_are_not_tried_again_and_cost_nothing_pitfall_31():
    bad = Probe("bad", Run(), FailStart(ValueError("no")))
    other = Probe("other", FailStart(ValueError("no")))
    async with open_supervisor(supervisor("root", intensity=0, children=[bad.spec()])) as root:
        await root.terminate_child("bad")
        for tries in range(1, 6):
            with pytest.raises(StartError):
                await root.restart_child("bad")
            with pytest.raises(StartError):
                await root.start_child(other.spec())
            await turns()
            assert (bad.starts, other.starts) == (1 + tries, tries)
        assert [child.state for child in root.which_children()] == ["stopped"]
