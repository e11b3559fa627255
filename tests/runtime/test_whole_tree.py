"""Supervisors under supervisors, trees that end by themselves, and a supervision that fails itself."""

import asyncio
import sys

import anyio
import pytest

from otp import ChildRefused, IntensityReached, NoProc, open_supervisor, supervisor, worker
from otp.core.machine import SupervisorMachine
from otp.events import ChildExited, ChildRestarting, ChildStarted, SupervisorExited
from otp.events import ChildRefused as Refused
from otp.spec import AutoShutdown, Restart, Strategy, dynamic_supervisor
from otp.testing import EventRecorder, Finish, Probe, Refuse, Run

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


async def test_a_tree_whose_work_is_done_before_the_block_begins_ends_the_block_in_silence():
    async def at_once():
        pass

    job = worker("job", at_once, restart=Restart.TRANSIENT, significant=True)
    reached = False
    with anyio.fail_after(5):
        async with open_supervisor(supervisor("root", auto_shutdown=ANY, children=[job])):
            await turns()
            reached = True
    assert not reached


async def test_a_tree_that_gives_up_before_the_block_begins_says_that_and_not_that_it_did_not_start():
    async def at_once():
        raise ValueError("no")

    with anyio.fail_after(5), pytest.raises(IntensityReached):
        async with open_supervisor(supervisor("root", intensity=0, children=[worker("w", at_once)])):
            await anyio.sleep_forever()


async def test_two_trees_in_one_program_do_not_know_of_each_other():
    one, two = Probe("p"), Probe("p")
    async with (
        open_supervisor(supervisor("root", children=[one.spec()])) as first,
        open_supervisor(supervisor("root", children=[two.spec()])) as second,
    ):
        await first.restart("p")
        assert (one.starts, two.starts) == (2, 1)
        assert (first.child("p").manual, second.child("p").manual) == (1, 0)


@pytest.mark.virtual_time
async def test_dynamic_children_clean_up_at_the_same_time_and_static_ones_in_turn_s45():
    began = anyio.current_time()
    static = [Probe(f"s{n}", Run(cleanup=0.3)) for n in range(3)]
    async with open_supervisor(supervisor("root", children=[p.spec() for p in static])):
        pass
    assert anyio.current_time() == pytest.approx(began + 0.9, abs=0.01)
    began = anyio.current_time()
    async with open_supervisor(dynamic_supervisor("root")) as root:
        for n in range(3):
            await root.start_child(Probe(f"d{n}", Run(cleanup=0.3)).spec())
    assert anyio.current_time() == pytest.approx(began + 0.3, abs=0.01)


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
async def test_an_infinite_shutdown_waits_for_as_long_as_it_takes_s5():
    p, began = Probe("p", Run(cleanup=100_000.0)), anyio.current_time()
    async with open_supervisor(supervisor("root", children=[p.spec(shutdown=float("inf"))])):
        pass
    assert anyio.current_time() == pytest.approx(began + 100_000.0, abs=0.01)


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


async def test_a_supervision_that_fails_itself_ends_all_tasks_and_says_why(monkeypatch):
    class Bug(Exception):
        pass

    handle, armed = SupervisorMachine.handle, []

    def failing(self, event, now):
        if armed:
            armed.clear()
            raise Bug
        return handle(self, event, now)

    monkeypatch.setattr(SupervisorMachine, "handle", failing)
    probes = [Probe(name) for name in "abc"]
    inner = supervisor("inner", children=[probes[1].spec(), probes[2].spec()])
    with anyio.fail_after(5), pytest.raises(Bug):
        async with open_supervisor(supervisor("root", children=[probes[0].spec(), inner])) as root:
            armed.append(True)
            probes[2].crash()
            await anyio.sleep_forever()
    assert [p.alive for p in probes] == [0, 0, 0]
    assert [p.starts for p in probes] == [1, 1, 1]
    with pytest.raises(NoProc):
        root.which_children()


async def test_a_tree_that_has_ended_answers_noproc():
    async with open_supervisor(supervisor("root", children=[Probe("a").spec()])) as root:
        pass
    with pytest.raises(NoProc):
        await root.restart("a")
    with pytest.raises(NoProc):
        root.count_children()
    root.stop()
    root.kill()


@pytest.mark.virtual_time
async def test_a_child_may_ask_its_own_supervisor_while_it_starts_pitfall_23():
    seen = []

    async def asking(*, task_status):
        seen.append([child.id for child in root_handle[0].which_children()])
        await root_handle[0].start_child(extra.spec())
        task_status.started()
        await anyio.sleep_forever()

    root_handle, extra = [], Probe("extra")
    async with open_supervisor(supervisor("root", children=[])) as root:
        root_handle.append(root)
        with anyio.fail_after(1):
            await root.start_child(worker("asking", asking, ready=True))
    assert seen == [["asking"]]
    assert extra.starts == 1


async def calls_for(count):
    """Function calls to start so many children, crash each once, stop half of them by request, the rest with the tree."""
    calls = 0

    def profile(*_):
        nonlocal calls
        calls += 1

    probes = [Probe(f"p{n}") for n in range(count)]
    async with open_supervisor(dynamic_supervisor("root", intensity=count)) as root:
        sys.setprofile(profile)
        for probe in probes:
            await root.start_child(probe.spec())
        for probe in probes:
            probe.crash()
        await turns()
        for probe in probes[::2]:
            await root.terminate_child(probe.name)
        sys.setprofile(None)
        assert root.count_children().active == count // 2
        sys.setprofile(profile)
    sys.setprofile(None)
    return calls


async def test_ten_times_as_many_children_take_ten_times_as_many_calls_pitfall_35():
    assert await calls_for(500) < 11 * await calls_for(50)


async def test_the_end_of_the_tree_is_the_last_event():
    events = EventRecorder()
    async with open_supervisor(supervisor("root", children=[Probe("a").spec()]), hooks=[events]):
        pass
    assert events.events[-1] == events.of(SupervisorExited)[-1]
    assert events.events[-1].path == "root"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancellation_during_the_stop_after_an_exception_is_not_lost():
    """As in any `finally`: what comes last goes on, with the exception as its context."""
    slow = Probe("slow", Run(cleanup=0.02))

    async def program():
        async with open_supervisor(supervisor("root", children=[slow.spec()])):
            raise ValueError("first")

    task = asyncio.create_task(program())
    while slow.alive == 0:
        await asyncio.sleep(0)
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert slow.alive == 0
