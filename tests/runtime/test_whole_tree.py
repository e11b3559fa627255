"""A tree as a whole: alone and beside others, ending by itself, large, and with a bug in its supervision."""

import asyncio
import sys

import anyio
import pytest

from otp import IntensityReached, NoProc, open_supervisor, supervisor, worker
from otp.core.machine import SupervisorMachine
from otp.events import ChildExited, ChildStarted, SupervisorExited
from otp.spec import AutoShutdown, Restart, Strategy, dynamic_supervisor
from otp.testing import EventRecorder, Probe, Run

ANY = AutoShutdown.ANY_SIGNIFICANT


async def turns(count=10):
    for _ in range(count):
        await anyio.sleep(0)


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
async def test_an_infinite_shutdown_waits_for_as_long_as_it_takes_s5():
    p, began = Probe("p", Run(cleanup=100_000.0)), anyio.current_time()
    async with open_supervisor(supervisor("root", children=[p.spec(shutdown=float("inf"))])):
        pass
    assert anyio.current_time() == pytest.approx(began + 100_000.0, abs=0.01)


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


@pytest.mark.parametrize("broken", [False, True])
async def test_whoever_still_waits_for_an_answer_when_the_tree_ends_gets_noproc_s47(monkeypatch, broken):
    slow, answers = Probe("slow", Run(cleanup=0.05)), []

    async def ask(root):
        with pytest.raises(NoProc) as raised:
            await root.restart("slow")
        answers.append(raised.value.path)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as callers:
            try:
                async with open_supervisor(supervisor("root", children=[slow.spec()])) as root:
                    callers.start_soon(ask, root)
                    await turns()
                    if broken:
                        monkeypatch.setattr(SupervisorMachine, "handle", None)
                    root.stop()
                    await anyio.sleep_forever()
            except TypeError:
                assert broken
    assert answers == ["root"]


@pytest.mark.parametrize(("strategy", "credits_used"), [(Strategy.ONE_FOR_ALL, 1), (Strategy.ONE_FOR_ONE, 2)])
async def test_two_crashes_of_one_moment_cost_by_the_strategy_s26_pitfall_10(strategy, credits_used):
    a, b = Probe("a"), Probe("b")
    async with open_supervisor(supervisor("root", strategy=strategy, children=[a.spec(), b.spec()])) as root:
        a.crash()
        b.crash()
        await turns()
        assert (a.starts, b.starts) == (2, 2)
        assert sum(child.crashes for child in root.which_children()) == credits_used


async def test_a_child_that_raises_in_its_clean_up_neither_stops_the_stop_nor_replaces_the_reason_pitfall_17():
    events = EventRecorder()
    probes = [Probe("a"), Probe("b", Run(error=ValueError("in finally"))), Probe("c")]
    async with open_supervisor(supervisor("root", children=[p.spec() for p in probes]), hooks=[events]):
        pass
    assert [event.path for event in events.of(ChildExited)] == ["root/c", "root/b", "root/a"]
    assert events.of(ChildExited)[1].exit.crash.message == "in finally"
    assert str(events.of(SupervisorExited)[0].exit) == "shutdown"


async def test_the_crash_of_one_child_is_not_noticed_by_its_siblings_pitfall_1():
    a, b, events = Probe("a"), Probe("b"), EventRecorder()
    async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()]), hooks=[events]) as root:
        b.crash()
        await events.wait_for(ChildStarted, "root/b", count=2)
        assert (a.starts, a.alive, b.starts, b.alive) == (1, 1, 2, 1)
        assert (root.child("a").generation, root.child("b").generation) == (1, 2)


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
