"""Who is restarted, how often, how soon, and who gets to know: C1, C6, C8-C12, C14, C16, C18, C23, C24."""

import asyncio
import contextvars
import gc
import sys
import time

import anyio
import pytest
import sniffio
import trio
from anyio.lowlevel import checkpoint

from otp import (
    IntensityReached,
    Restart,
    Strategy,
    events,
    open_supervisor,
    supervisor,
    worker,
)
from otp.testing import Crash, EventRecorder, FailStart, Journal, Probe, Run

LONG = 3600.0
UNLIMITED = {"intensity": 10**9, "period": 1.0}
colour = contextvars.ContextVar("colour", default="none")


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


def current_task():
    return trio.lowlevel.current_task() if sniffio.current_async_library() == "trio" else asyncio.current_task()


async def test_a_temporary_child_that_raises_is_removed_and_the_others_go_on_c1():
    sibling, temporary, recorder = Probe("sibling"), Probe("temporary", Crash(ValueError("boom"))), EventRecorder()
    children = [sibling.spec(), temporary.spec(restart=Restart.TEMPORARY)]
    async with open_supervisor(supervisor("root", intensity=0, children=children), hooks=[recorder]) as root:
        await recorder.wait_for(events.ChildExited, "root/temporary")
        await turns()
        assert [child.id for child in root.which_children()] == ["sibling"]
        assert (sibling.starts, sibling.alive, temporary.starts) == (1, 1, 1)
        assert await root.start_child(temporary.spec(restart=Restart.TEMPORARY)) == 2


async def test_a_restart_is_a_fresh_task_with_fresh_state_and_context_c6():
    tasks, counts, colours, values, recorder = set(), [], [], [], EventRecorder()

    async def child(*, task_status):
        count = 0
        tasks.add(current_task())
        colours.append(colour.get())
        colour.set("of the dead")
        task_status.started({"lives": len(tasks)})
        count += 1
        counts.append(count)
        await checkpoint()
        if len(counts) < 50:
            raise ValueError
        await anyio.sleep_forever()

    colour.set("of the tree")
    spec = supervisor("root", **UNLIMITED, children=[worker("c", child, ready=True)])
    async with open_supervisor(spec, hooks=[recorder]) as root:
        await recorder.wait_for(events.ChildStarted, "root/c", count=50)
        values.append(root.child("c").value)
    assert len(counts) == 50
    assert set(counts) == {1}
    assert set(colours) == {"of the tree"}
    assert len(tasks) == 50
    assert values == [{"lives": 50}]


@pytest.mark.parametrize("hooked", [True, False])
@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("restart", Restart)
async def test_no_failure_of_a_child_is_lost_c8(restart, strategy, hooked):
    recorder, failing = EventRecorder(), Probe("failing", Crash(ValueError("boom")))
    spec = supervisor("root", strategy=strategy, intensity=1, children=[failing.spec(restart=restart)])
    error = None
    try:
        async with open_supervisor(spec, hooks=[recorder] if hooked else []):
            await turns(30)
    except IntensityReached as raised:
        error = raised
    if restart is Restart.TEMPORARY:
        assert error is None
    else:
        assert str(error) == "root gave up: root/failing ended once more after 1 restart in 5 s"
        assert str(error.__cause__) == "boom"
    told = [
        event.exit.crash.message
        for event in recorder.events
        if getattr(event, "path", "") == "root/failing"
        and isinstance(event, events.ChildRestarting | events.ChildExited)
    ]
    told += [event.exit.crash.message for event in recorder.of(events.IntensityReached)]
    assert told == ["boom"] * failing.starts * hooked


async def test_restarts_are_counted_for_the_supervisor_and_not_for_each_child_c9():
    probes = [Probe(f"w{n}", Crash(ValueError("once")), Run()) for n in range(5)]
    with pytest.raises(IntensityReached):
        async with open_supervisor(supervisor("root", intensity=3, period=5.0, children=[p.spec() for p in probes])):
            await anyio.sleep_forever()
    assert sum(p.starts for p in probes) == 5 + 3
    assert sum(p.alive for p in probes) == 0


@pytest.mark.parametrize("again", [Crash(ValueError("again")), FailStart(ValueError("again"))], ids=["runs", "starts"])
async def test_a_supervisor_that_says_nothing_of_a_limit_has_one_also_for_failing_starts_c10(again):
    broken = Probe("broken", Crash(ValueError("first")), again)
    with pytest.raises(IntensityReached):
        async with open_supervisor(supervisor("root", children=[broken.spec()])):
            await anyio.sleep_forever()
    assert broken.starts == 1 + 3


@pytest.mark.virtual_time
async def test_the_limit_is_exact_c11():
    crashing = Probe("crashing", Crash(ValueError("again"), after=0.05))
    began = anyio.current_time()
    with pytest.raises(IntensityReached):
        async with open_supervisor(supervisor("root", intensity=3, period=10.0, children=[crashing.spec()])):
            await anyio.sleep_forever()
    assert crashing.starts == 1 + 3
    assert anyio.current_time() == pytest.approx(began + 4 * 0.05, abs=0.01)


@pytest.mark.virtual_time
@pytest.mark.parametrize(("pause", "lives"), [(9.9, False), (10.1, True)])
async def test_the_limit_is_that_of_a_window_and_not_of_a_rate_c11(pause, lives):
    """A bucket that fills up again at 3 in 10 s has room for two more after 9.9 s."""
    crashes = [Crash(ValueError("again"))] * 3
    crashing = Probe("crashing", *crashes, Crash(ValueError("later"), after=pause), Run())
    survived = False
    try:
        async with open_supervisor(supervisor("root", intensity=3, period=10.0, children=[crashing.spec()])):
            await anyio.sleep(60)
            survived = True
    except IntensityReached:
        pass
    assert survived is lives


async def test_crashes_in_one_tick_within_the_limit_are_all_survived_c12():
    gate, starts = anyio.Event(), dict.fromkeys(range(50), 0)

    async def child(n):
        starts[n] += 1
        if starts[n] == 1:
            await gate.wait()
            raise ValueError
        await anyio.sleep_forever()

    spec = supervisor("root", intensity=50, period=LONG, children=[worker(f"c{n}", child, n) for n in starts])
    async with open_supervisor(spec) as root:
        await turns()
        gate.set()
        await turns()
        assert set(starts.values()) == {2}
        assert root.count_children().active == 50


@pytest.mark.virtual_time
async def test_a_child_that_fails_below_the_rate_is_restarted_for_ever_c14():
    failing = Probe("failing", Crash(ValueError("now and then"), after=2.0))
    async with open_supervisor(supervisor("root", intensity=3, period=5.0, children=[failing.spec()])):
        await anyio.sleep(2_001)
        assert failing.starts == 1_001


@pytest.mark.virtual_time
@pytest.mark.parametrize("after", [0.0, 0.5, 300.0])
@pytest.mark.parametrize("intensity", [0, 4])
async def test_an_early_exit_costs_what_a_late_one_costs_c16(after, intensity):
    crashing, recorder = Probe("crashing", Crash(ValueError("again"), after=after)), EventRecorder()
    with pytest.raises(IntensityReached):
        async with open_supervisor(
            supervisor("root", intensity=intensity, period=LONG, children=[crashing.spec()]), hooks=[recorder]
        ):
            await anyio.sleep_forever()
    assert crashing.starts == 1 + intensity
    assert [e.used for e in recorder.of(events.ChildRestarting)] == list(range(1, intensity + 1))


async def test_an_exit_before_the_first_await_costs_what_any_exit_costs_c16():
    starts = 0

    async def at_once():
        nonlocal starts
        starts += 1
        if starts <= 4:
            raise ValueError
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root", intensity=4, children=[worker("c", at_once)])) as root:
        await turns()
        assert (starts, root.child("c").state, root.child("c").crashes) == (5, "running", 4)


@pytest.mark.virtual_time
async def test_without_a_policy_a_restart_takes_no_time_c18():
    crashing, recorder = Probe("crashing", Crash(ValueError("again"), after=1.0)), EventRecorder()
    began = anyio.current_time()
    async with open_supervisor(supervisor("root", **UNLIMITED, children=[crashing.spec()]), hooks=[recorder]) as root:
        await anyio.sleep(50.5)
        assert crashing.starts == 51
        assert root.child("crashing").downtime == 0.0
    told = recorder.of(events.ChildStarted)
    assert [event.at - began for event in told] == pytest.approx([float(n) for n in range(51)], abs=0.001)


async def test_without_a_policy_a_restart_comes_in_the_next_turn_of_the_loop_c18():
    a = Probe("a")
    async with open_supervisor(supervisor("root", **UNLIMITED, children=[a.spec()])):
        for starts in range(2, 50):
            a.crash()
            await turns(3)
            assert a.starts == starts


async def test_a_crash_during_the_slow_restart_of_another_child_does_not_wait_for_it_c23():
    gate, starts, b = anyio.Event(), [], Probe("b")

    async def slow(*, task_status):
        starts.append("a")
        if len(starts) > 1:
            await gate.wait()
        task_status.started()
        if len(starts) == 1:
            raise ValueError
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root", children=[worker("a", slow, ready=True), b.spec()])) as root:
        await turns()
        assert root.child("a").state == "starting"
        b.crash()
        await turns()
        assert (b.starts, root.child("b").state, root.child("a").state) == (2, "running", "starting")
        gate.set()
        await turns()
        assert root.child("a").state == "running"


@pytest.mark.parametrize("strategy", [Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL])
async def test_a_crash_during_a_group_restart_is_acted_on_as_soon_as_that_is_over_c23(strategy):
    journal: Journal = []
    gate, recorder = anyio.Event(), EventRecorder()

    async def slow(*, task_status):
        journal.append("start slow")
        if journal.count("start slow") == 2:
            await gate.wait()
        task_status.started()
        await anyio.sleep_forever()

    first, crashing = Probe("first", journal=journal), Probe("crashing", journal=journal)
    children = [first.spec(), crashing.spec(), worker("slow", slow, ready=True)]
    async with open_supervisor(supervisor("root", strategy=strategy, children=children), hooks=[recorder]) as root:
        crashing.crash()
        await turns()
        assert root.child("slow").state == "starting"
        first.crash()
        await turns()
        assert root.child("first").state == "exited"
        journal.clear()
        gate.set()
        await turns()
        assert journal == ["end crashing", "start first", "start crashing", "start slow"]
        assert [child.state for child in root.which_children()] == ["running"] * 3
        assert max(e.used for e in recorder.of(events.ChildRestarting)) == 2


async def cost_among(siblings):
    """Function calls of one crash and restart, and process seconds of three hundred, among so many idle siblings."""
    a, calls = Probe("a"), 0

    def profile(*_):
        nonlocal calls
        calls += 1

    idle = [worker(f"idle{n}", anyio.sleep_forever) for n in range(siblings)]
    half = siblings // 2
    async with open_supervisor(supervisor("root", **UNLIMITED, children=[*idle[:half], a.spec(), *idle[half:]])):
        await turns()
        a.crash()
        await turns()
        gc.disable()
        try:
            sys.setprofile(profile)
            a.crash()
            await turns()
            sys.setprofile(None)
            began = time.process_time()
            for _ in range(300):
                a.crash()
                await turns(3)
            seconds = time.process_time() - began
        finally:
            sys.setprofile(None)
            gc.enable()
        assert a.starts == 303
        return calls, seconds


async def test_a_restart_costs_the_same_among_ten_siblings_and_among_ten_thousand_c24():
    few, many = await cost_among(10), await cost_among(10_000)
    assert abs(many[0] - few[0]) < 20
    assert many[1] < 4 * few[1]
