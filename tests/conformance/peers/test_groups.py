"""Restarts that take others along, and what hangs on a child: C2-C5, C7, C13, C15."""

from itertools import count

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import (
    AutoShutdown,
    IntensityReached,
    Restart,
    Strategy,
    dynamic_supervisor,
    events,
    open_supervisor,
    supervisor,
    worker,
)
from otp.testing import EventRecorder, Journal, Probe, Run

UNLIMITED = {"intensity": 10**9, "period": 1.0}


async def turns(how_many=20):
    for _ in range(how_many):
        await checkpoint()


@pytest.mark.parametrize("crashing", ["a", "b", "c"])
async def test_one_for_all_starts_in_list_order_whichever_crashed_c2(crashing):
    journal: Journal = []
    probes = {name: Probe(name, journal=journal) for name in "abc"}
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[p.spec() for p in probes.values()])
    async with open_supervisor(spec):
        for _ in range(3):
            journal.clear()
            probes[crashing].crash()
            await turns()
            others = [f"end {name}" for name in "cba" if name != crashing]
            assert journal == [f"end {crashing}", *others, "start a", "start b", "start c"]


async def test_one_for_all_gives_every_sibling_a_new_incarnation_each_time_c3():
    probes = [Probe(name) for name in "abcd"]
    spec = supervisor("root", **UNLIMITED, strategy=Strategy.ONE_FOR_ALL, children=[p.spec() for p in probes])
    async with open_supervisor(spec) as root:
        for crashes in range(1, 11):
            probes[crashes % 4].crash()
            await turns()
            assert [(p.starts, p.alive) for p in probes] == [(1 + crashes, 1)] * 4
            assert [child.generation for child in root.which_children()] == [1 + crashes] * 4


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_a_group_restart_takes_nested_supervisors_down_to_the_last_leaf_c4(strategy):
    live, most, numbers, crashing = set(), 0, count(), Probe("crashing")

    async def leaf(name):
        nonlocal most
        me = (name, next(numbers))
        live.add(me)
        most = max(most, len(live))
        try:
            await anyio.sleep_forever()
        finally:
            await checkpoint_shielded()
            live.remove(me)

    leaves = [worker(f"leaf{n}", leaf, n) for n in range(6)]
    deep = supervisor("deep", children=leaves[2:4])
    branch = supervisor("branch", children=[*leaves[:2], deep, *leaves[4:]])
    spec = supervisor("root", **UNLIMITED, strategy=strategy, children=[crashing.spec(), branch])
    async with open_supervisor(spec) as root:
        await turns()
        before = set(live)
        for _ in range(10):
            crashing.crash()
            await turns(80)
            assert sorted(name for name, _ in live) == [0, 1, 2, 3, 4, 5]
        assert before.isdisjoint(live)
        assert root.child("branch/deep/leaf2").generation == 11
    assert live == set()
    assert most == 6


async def checkpoint_shielded():
    with anyio.CancelScope(shield=True):
        await turns(3)


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_the_last_line_of_the_old_incarnation_comes_before_the_first_of_the_new_one_c5(strategy):
    journal, state, crashing = [], {"x": 0}, Probe("crashing")

    async def writes_at_its_end():
        journal.append("begins")
        state["x"] = 0
        try:
            await anyio.sleep_forever()
        finally:
            await checkpoint_shielded()
            state["x"] += 100
            journal.append("ends")

    spec = supervisor("root", strategy=strategy, children=[crashing.spec(), worker("slow", writes_at_its_end)])
    async with open_supervisor(spec):
        await turns()
        for _ in range(3):
            crashing.crash()
            await turns(40)
            assert state == {"x": 0}
    assert journal == ["begins", "ends"] * 4


async def by_returning(scope, told):
    await told.wait()
    scope.cancel()


async def by_raising(scope, told):
    await told.wait()
    raise ValueError


async def by_waiting(scope, told):
    await anyio.sleep_forever()


@pytest.mark.parametrize("ends", [by_returning, by_raising, by_waiting])
async def test_what_a_child_runs_in_its_background_ends_with_it_c7(ends):
    alive, most, told, recorder = 0, 0, [], EventRecorder()

    async def background():
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        try:
            await anyio.sleep_forever()
        finally:
            await checkpoint_shielded()
            alive -= 1

    async def child(*, task_status):
        told.append(anyio.Event())
        async with anyio.create_task_group() as group:
            group.start_soon(background)
            await checkpoint()
            task_status.started()
            await ends(group.cancel_scope, told[-1])

    spec = supervisor("root", **UNLIMITED, children=[worker("c", child, ready=True)])
    async with open_supervisor(spec, hooks=[recorder]) as root:
        for starts in range(2, 6):
            told[-1].set()
            if ends is by_waiting:
                await root.restart("c")
            await recorder.wait_for(events.ChildStarted, "root/c", count=starts)
            await turns()
            assert (alive, most) == (1, 1)
    assert alive == 0


@pytest.mark.parametrize("make", [supervisor, dynamic_supervisor])
async def test_the_children_of_a_supervisor_end_with_it_after_a_normal_end_too_c7(make):
    leaf, job, recorder = Probe("leaf"), Probe("job"), EventRecorder()
    ending = supervisor(
        "ending",
        restart=Restart.TRANSIENT,
        auto_shutdown=AutoShutdown.ANY_SIGNIFICANT,
        children=[make("below"), job.spec(restart=Restart.TRANSIENT, significant=True)],
    )
    async with open_supervisor(supervisor("root", children=[ending]), hooks=[recorder]) as root:
        await root.start_child(leaf.spec(), under="ending/below")
        job.finish()
        await recorder.wait_for(events.ChildExited, "root/ending")
        assert (leaf.alive, root.child("ending").state) == (0, "done")


@pytest.mark.parametrize("size", [2, 10, 50])
async def test_a_group_restart_costs_one_credit_however_large_the_group_c13(size):
    probes = [Probe(f"p{n}") for n in range(size)]
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, intensity=3, children=[p.spec() for p in probes])
    crashes, recorder = 0, EventRecorder()
    with pytest.raises(IntensityReached):
        async with open_supervisor(spec, hooks=[recorder]):
            for crashes in range(1, 10):
                probes[-crashes % size].crash()
                await recorder.wait_for(events.ChildStarted, f"root/p{size - 1}", count=1 + crashes)
    assert crashes == 4
    assert {p.starts for p in probes} == {1 + 3}


@pytest.mark.parametrize("restart", Restart)
async def test_over_the_limit_a_supervisor_ends_with_its_children_and_the_one_above_decides_c15(restart):
    journal: Journal = []
    probes = [Probe(f"w{n}", journal=journal) for n in range(5)]
    inner = supervisor("inner", intensity=3, restart=restart, children=[p.spec() for p in probes])
    sibling, recorder = Probe("sibling"), EventRecorder()
    async with open_supervisor(supervisor("root", children=[sibling.spec(), inner]), hooks=[recorder]) as root:
        for probe in probes[:4]:
            journal.clear()
            probe.crash()
            await turns()
        assert journal[:5] == ["end w3", "end w4", "end w2", "end w1", "end w0"]
        assert sibling.starts == 1
        told = recorder.of(events.ChildExited if restart is Restart.TEMPORARY else events.ChildRestarting, "root/inner")
        assert [event.exit.crash.type for event in told] == ["otp.errors.IntensityReached"]
        if restart is Restart.TEMPORARY:
            assert [child.id for child in root.which_children()] == ["sibling"]
            assert [p.alive for p in probes] == [0] * 5
        else:
            assert [p.alive for p in probes] == [1] * 5
            assert (root.child("inner").state, root.child("inner").crashes) == ("running", 1)


async def test_over_the_limit_at_the_root_the_program_around_it_knows_c15():
    failing, other = Probe("failing", Run()), Probe("other")
    inner = supervisor("inner", intensity=0, children=[failing.spec(), other.spec()])
    with pytest.raises(IntensityReached, match="root gave up: root/inner ended once more") as raised:
        async with open_supervisor(supervisor("root", intensity=0, children=[inner])):
            failing.crash(KeyError("the first cause"))
            await anyio.sleep_forever()
    assert isinstance(raised.value.__cause__, IntensityReached)
    assert isinstance(raised.value.__cause__.__cause__, KeyError)
    assert (failing.alive, other.alive) == (0, 0)
