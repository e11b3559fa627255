"""Supervisors under supervisors: escalation, counters, time to stop, and those in which somebody refused."""

import anyio
import pytest

from otp import ChildRefused, IntensityReached, NoProc, open_supervisor, supervisor
from otp.events import ChildExited, ChildRestarting, ChildStarted
from otp.events import ChildRefused as Refused
from otp.policy import Backoff, FailurePolicy, RestartAfter
from otp.spec import AutoShutdown, Restart, Strategy
from otp.testing import EventRecorder, FailStart, Finish, Probe, Refuse, Run

ANY = AutoShutdown.ANY_SIGNIFICANT


async def turns(count=10):
    for _ in range(count):
        await anyio.sleep(0)


async def test_a_supervisor_that_gives_up_is_restarted_by_the_one_above_and_keeps_the_counters_below():
    events, a, b, sibling = EventRecorder(), Probe("a"), Probe("b"), Probe("sibling")
    inner = supervisor("inner", intensity=1, children=[a.spec(), b.spec()])
    async with open_supervisor(supervisor("root", children=[inner, sibling.spec()]), hooks=[events]) as root:
        for starts in (2, 3):
            a.crash()
            await events.wait_for(ChildStarted, "root/inner/a", count=starts)
        await events.wait_for(ChildStarted, "root/inner/b", count=2)
        await turns()
        assert root.child("inner").crashes == 1
        inner_a, inner_b = root.child("inner/a"), root.child("inner/b")
        assert (inner_a.crashes, inner_a.collateral, inner_a.generation) == (1, 1, 3)
        assert (inner_b.crashes, inner_b.collateral, inner_b.generation) == (0, 1, 2)
        assert sibling.starts == 1
    restarting = events.of(ChildRestarting, "root/inner")[0]
    assert restarting.exit.crash.type == "otp.errors.IntensityReached"


async def test_a_failure_that_restarting_does_not_help_goes_up_level_by_level_to_the_root():
    a = Probe("a", Finish())
    inner = supervisor("inner", intensity=2, children=[a.spec()])
    with anyio.fail_after(5), pytest.raises(IntensityReached) as raised:
        async with open_supervisor(supervisor("root", intensity=1, children=[inner])):
            await anyio.sleep_forever()
    assert a.starts == 2 * 3
    assert (raised.value.path, raised.value.offender) == ("root", "root/inner")
    assert raised.value.__cause__.path == "root/inner"


async def test_a_transient_supervisor_that_gives_up_is_restarted_d3():
    events, a = EventRecorder(), Probe("a")
    inner = supervisor("inner", intensity=0, restart=Restart.TRANSIENT, children=[a.spec()])
    async with open_supervisor(supervisor("root", children=[inner]), hooks=[events]):
        a.crash()
        await events.wait_for(ChildStarted, "root/inner", count=2)


async def test_auto_shutdown_goes_up_through_a_significant_supervisor_and_ends_the_block_in_silence_s42():
    job, other = Probe("job"), Probe("other")
    inner = supervisor(
        "inner",
        auto_shutdown=ANY,
        restart=Restart.TRANSIENT,
        significant=True,
        children=[job.spec(restart=Restart.TRANSIENT, significant=True)],
    )
    with anyio.fail_after(5):
        async with open_supervisor(supervisor("root", auto_shutdown=ANY, children=[other.spec(), inner])):
            job.finish()
            await anyio.sleep_forever()
    assert (job.starts, other.alive) == (1, 0)


@pytest.mark.virtual_time
async def test_a_supervisor_with_too_little_time_to_stop_leaves_no_grandchild_behind_pitfall_19():
    slow = [Probe(f"p{n}", Run(cleanup=0.3)) for n in range(4)]
    inner = supervisor("inner", shutdown=0.5, children=[p.spec(shutdown=10.0) for p in slow])
    began, events = anyio.current_time(), EventRecorder()
    async with open_supervisor(supervisor("root", children=[inner]), hooks=[events]):
        pass
    # The first is done at 0.3 s; at 0.5 s all others are killed at once, and the one cleaning up since 0.3 s ends first.
    assert anyio.current_time() == pytest.approx(began + 0.8, abs=0.01)
    assert [p.alive for p in slow] == [0, 0, 0, 0]
    assert str(events.of(ChildExited, "root/inner")[0].exit) == "killed"


@pytest.mark.virtual_time
async def test_a_supervisor_in_which_somebody_refused_can_be_started_again_when_that_one_has_ended():
    stubborn = Probe("stubborn", Refuse(10), Run())
    inner = supervisor("inner", children=[stubborn.spec(shutdown=1.0)])
    async with open_supervisor(supervisor("root", children=[inner])) as root:
        with pytest.raises(ChildRefused) as raised:
            await root.terminate_child("inner")
        assert raised.value.paths == ("root/inner/stubborn",)
        assert root.child("inner").state == "refused"
        with pytest.raises(NoProc):
            root.which_children("inner")
        await anyio.sleep(20)
        assert root.child("inner").state == "stopped"
        await root.restart_child("inner")
        assert (stubborn.starts, stubborn.alive) == (2, 1)


@pytest.mark.virtual_time
async def test_two_levels_of_supervisors_in_which_somebody_refused_are_down_when_that_one_has_ended():
    stubborn = Probe("stubborn", Refuse(10), Run())
    deep = supervisor("deep", children=[stubborn.spec(shutdown=1.0)])
    async with open_supervisor(supervisor("root", children=[supervisor("inner", children=[deep])])) as root:
        with pytest.raises(ChildRefused):
            await root.restart("inner")
        await anyio.sleep(20)
        assert root.child("inner").state == "running"
        assert stubborn.starts == 2


@pytest.mark.virtual_time
async def test_a_restart_takes_the_place_of_one_that_refused_and_ended_while_its_supervisor_gave_up():
    crashing, slow = Probe("crashing"), Probe("slow", Run(cleanup=5.0))
    stubborn = Probe("stubborn", Refuse(3.0), Run())
    inner = supervisor(
        "inner",
        strategy=Strategy.ONE_FOR_ALL,
        children=[slow.spec(shutdown=30.0), crashing.spec(), stubborn.spec(shutdown=1.0)],
    )
    events = EventRecorder()
    async with open_supervisor(supervisor("root", children=[inner]), hooks=[events]) as root:
        crashing.crash()
        await events.wait_for(Refused)
        await events.wait_for(ChildStarted, "root/inner", count=2)
        assert root.child("inner").crashes == 1
        assert (stubborn.starts, stubborn.alive) == (2, 1)


@pytest.mark.virtual_time
async def test_a_leaf_that_waits_keeps_nobody_down_who_is_restarted_with_its_supervisor():
    waits = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, factor=1.0)))
    first, leaf, last = Probe("a"), Probe("x", Run(), FailStart(OSError("not now"))), Probe("b")
    below = supervisor("sub", intensity=1000, children=[leaf.spec(ready=True, policy=waits)])
    children = [first.spec(), below, last.spec()]
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=children)
    async with open_supervisor(spec) as root:
        first.crash()
        await anyio.sleep(10.0)
        states = {child.path: str(child.state) for child in root.walk()}
        assert states == {"root/a": "running", "root/sub": "running", "root/sub/x": "backoff", "root/b": "running"}
        with anyio.fail_after(5):
            await root.restart("sub")
        first.crash()
        await anyio.sleep(1.0)
        assert root.child("a").crashes == 2
