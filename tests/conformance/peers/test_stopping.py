"""What lives on, what is gone, and how trees stop: C25-C28, C30."""

import gc
import time
import weakref
from contextlib import suppress

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import Restart, StartError, dynamic_supervisor, events, exits, open_supervisor, supervisor, worker
from otp.testing import EventRecorder, Journal


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


async def shielded_turns(count=4):
    with anyio.CancelScope(shield=True):
        await turns(count)


@pytest.mark.parametrize("make", [supervisor, dynamic_supervisor])
async def test_live_children_are_held_and_survive_the_garbage_collector_c25(make):
    alive, tell = 0, []

    async def idle():
        nonlocal alive
        alive += 1
        told = anyio.Event()
        tell.append(weakref.ref(told))
        try:
            await told.wait()
        finally:
            alive -= 1

    async with open_supervisor(supervisor("root", children=[make("inner")])) as root:
        for n in range(100):
            await root.start_child(worker(f"c{n}", idle), under="inner")
        await turns()
        for _ in range(3):
            gc.collect()
            await turns()
        assert alive == 100
        assert all(ref() is not None for ref in tell)
        assert root.count_children("inner").active == 100


@pytest.mark.parametrize("ending", ["returns", "raises", "does not start"])
@pytest.mark.parametrize("make", [supervisor, dynamic_supervisor])
async def test_ended_children_leave_no_record_no_timer_no_name_and_no_memory_c26(make, ending):
    async def child(*, task_status):
        await checkpoint()
        if ending == "does not start":
            raise ValueError
        task_status.started(object())
        await checkpoint()
        if ending == "raises":
            raise ValueError

    async def batch(root):
        for n in range(200):
            spec = worker(f"c{n}", child, ready=True, restart=Restart.TEMPORARY, start_timeout=60.0)
            with suppress(StartError):
                await root.start_child(spec)
        await turns()
        assert root.which_children() == ()
        gc.collect()
        return len(gc.get_objects())

    async with open_supervisor(make("root", intensity=0)) as root:
        await batch(root)
        before = await batch(root)
        assert await batch(root) < before + 100
        assert not root._tree.timers._armed
        assert not root._tree.root.live


@pytest.mark.virtual_time
async def test_static_children_stop_last_first_one_at_a_time_each_within_its_own_time_c27():
    at, stopping, most = {}, 0, 0

    async def child(name, seconds):
        nonlocal stopping, most
        try:
            await anyio.sleep_forever()
        finally:
            stopping += 1
            most = max(most, stopping)
            with anyio.CancelScope(shield=True):
                await anyio.sleep(seconds)
            stopping -= 1
            at[name] = anyio.current_time() - began

    needs = {"a": (0.1, 1.0), "b": (1.0, 3.0), "c": (2.25, 2.0)}
    children = [worker(name, child, name, seconds, shutdown=grace) for name, (seconds, grace) in needs.items()]
    recorder = EventRecorder()
    async with open_supervisor(supervisor("root", children=children), hooks=[recorder]):
        await turns()
        began = anyio.current_time()
    assert list(at) == ["c", "b", "a"]
    assert list(at.values()) == pytest.approx([2.25, 3.25, 3.35], abs=0.01)
    assert most == 1
    shutdown, killed = exits.Shutdown(), exits.Killed()
    assert [e.exit for e in recorder.of(events.ChildExited)] == [killed, shutdown, shutdown]


async def test_static_children_stop_last_first_and_one_at_a_time_c27():
    journal: Journal = []

    async def child(name):
        try:
            await anyio.sleep_forever()
        finally:
            journal.append(f"asked {name}")
            await shielded_turns()
            journal.append(f"down {name}")

    async with open_supervisor(supervisor("root", children=[worker(name, child, name) for name in "abc"])):
        await turns()
    assert journal == ["asked c", "down c", "asked b", "down b", "asked a", "down a"]


async def sleeps():
    await anyio.sleep(1_000_000)


async def waits_for_an_event():
    await anyio.Event().wait()


async def waits_for_a_lock():
    lock = anyio.Lock()
    async with lock, anyio.create_task_group() as group:
        group.start_soon(lock.acquire)


async def waits_for_an_item():
    _, receive = anyio.create_memory_object_stream[int](0)
    with receive, _:
        await receive.receive()


@pytest.mark.parametrize("awaits", [sleeps, waits_for_an_event, waits_for_a_lock, waits_for_an_item])
@pytest.mark.parametrize("how", ["terminate", "restart", "leave"])
async def test_a_child_that_awaits_is_cancelled_and_not_waited_for_c28(awaits, how):
    recorder, began = EventRecorder(), anyio.current_time()
    spec = supervisor("root", children=[worker("c", awaits, shutdown=float("inf"))])
    async with open_supervisor(spec, hooks=[recorder]) as root:
        await turns()
        if how == "terminate":
            await root.terminate_child("c")
        elif how == "restart":
            await root.restart("c")
            await turns()
    assert anyio.current_time() < began + 60
    assert {e.exit for e in recorder.of(events.ChildExited)} == {exits.Shutdown()}


async def seconds_for(count):
    """Process time to stop so many dynamic children."""
    async with open_supervisor(supervisor("root", children=[dynamic_supervisor("many")])) as root:
        many = root.supervisor("many")
        for n in range(count):
            await many.start_child(worker(f"c{n}", anyio.sleep_forever))
        await turns()
        gc.collect()
        gc.disable()
        try:
            began = time.process_time()
            await root.terminate_child("many")
            return time.process_time() - began
        finally:
            gc.enable()


async def test_stopping_ten_times_as_many_dynamic_children_costs_less_than_thirty_times_as_much_c30():
    few = max([await seconds_for(1_000) for _ in range(2)])
    assert await seconds_for(10_000) < 30 * few
