"""A restart is a new incarnation: one hop, a fresh task, a fresh context, and nothing left of the dead (C6, pitfall 34)."""

import asyncio
import contextvars
import gc
import weakref

import anyio
import pytest
import sniffio
import trio
from anyio.lowlevel import checkpoint

from otp import Ignore, StartError, StartTimeout, open_supervisor, supervisor, worker
from otp.errors import ExitShutdown
from otp.events import ChildExited, ChildIgnored, ChildRestarting, ChildStarted
from otp.spec import Restart
from otp.testing import EventRecorder, Hang, Probe

colour = contextvars.ContextVar("colour", default="none")
UNLIMITED = {"intensity": 10**6, "period": 0.001}


def current_task():
    return trio.lowlevel.current_task() if sniffio.current_async_library() == "trio" else asyncio.current_task()


async def turns(count=5):
    for _ in range(count):
        await checkpoint()


@pytest.mark.parametrize("anyio_backend", ["asyncio", ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"])
async def test_the_next_incarnation_is_scheduled_in_the_last_step_of_the_dying_one(anyio_backend):
    order = []

    async def child():
        order.append("first line")
        await asyncio.sleep(0)
        if len(order) < 3:
            asyncio.get_running_loop().call_soon(order.append, "scheduled before the crash")
            raise ValueError

    async with open_supervisor(supervisor("root", children=[worker("c", child, restart=Restart.TRANSIENT)])):
        await turns()
    assert order == ["first line", "scheduled before the crash", "first line"]


async def test_each_incarnation_has_a_task_of_its_own():
    tasks = []

    async def child():
        tasks.append(current_task())
        await checkpoint()
        if len(tasks) < 4:
            raise ValueError
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root", **UNLIMITED, children=[worker("c", child)])):
        await turns(12)
    assert len(set(tasks)) == 4


async def test_what_a_child_sets_in_its_context_dies_with_it():
    seen = []

    async def child():
        seen.append(colour.get())
        colour.set("red")
        await checkpoint()
        if len(seen) < 3:
            raise ValueError
        await anyio.sleep_forever()

    token = colour.set("blue")
    async with open_supervisor(supervisor("root", children=[worker("c", child)])):
        await turns(10)
    colour.reset(token)
    assert seen == ["blue", "blue", "blue"]


async def test_a_child_starts_in_the_context_of_the_tree_and_not_of_whoever_asked_for_it():
    seen = []

    async def child():
        seen.append(colour.get())
        await anyio.sleep_forever()

    colour.set("of the tree")
    async with open_supervisor(supervisor("root", children=[])) as root:
        colour.set("of the caller")
        await root.start_child(worker("c", child))
        await turns()
        await root.restart("c")
        await turns()
    assert seen == ["of the tree", "of the tree"]


async def test_live_children_survive_a_garbage_collection():
    alive = 0

    async def child():
        nonlocal alive
        alive += 1
        try:
            await anyio.Event().wait()
        finally:
            alive -= 1

    async with open_supervisor(supervisor("root", children=[worker(f"c{n}", child) for n in range(50)])):
        await turns()
        gc.collect()
        await turns()
        assert alive == 50
    assert alive == 0


@pytest.mark.parametrize("hooks", [[], [lambda event: None]], ids=["unheard", "heard"])
async def test_a_crash_leaves_no_reference_cycle_and_keeps_no_frame_alive(hooks):
    class Big:
        pass

    refs, warm, over = [], anyio.Event(), anyio.Event()

    async def child():
        big = Big()
        refs.append(weakref.ref(big))
        await checkpoint()
        if len(refs) == 100:
            warm.set()
            await turns()
        if len(refs) > 300:
            over.set()
            await anyio.sleep_forever()
        raise ValueError("boom")

    spec = supervisor("root", **UNLIMITED, children=[worker("c", child)])
    async with open_supervisor(spec, hooks=hooks):
        await warm.wait()
        gc.collect()
        gc.disable()
        try:
            await over.wait()
            await turns()
            assert gc.collect() == 0
            assert sum(ref() is not None for ref in refs) <= 2  # the living one, and the one before it
        finally:
            gc.enable()


async def test_arguments_of_a_temporary_child_are_not_kept():
    class Argument:
        pass

    async def child(argument):
        del argument
        await anyio.sleep_forever()

    argument = Argument()
    ref = weakref.ref(argument)
    async with open_supervisor(supervisor("root")) as root:
        await root.start_child(worker("t", child, argument, restart=Restart.TEMPORARY))
        await turns()
        assert root.get_childspec("t").args == ()
        del argument
        gc.collect()
        assert ref() is None


async def test_the_value_given_to_started_is_what_start_child_returns_and_which_children_shows():
    p = Probe("p")
    async with open_supervisor(supervisor("root")) as root:
        assert await root.start_child(p.spec()) == 1
        assert root.child("p").value == 1
        assert await root.restart("p") == 2
        assert root.child("p").value == 2
        await root.terminate_child("p")
        assert root.child("p").value is None
        assert await root.restart_child("p") == 3


async def test_to_say_started_twice_is_a_crash_of_the_child():
    events = EventRecorder()

    async def child(*, task_status):
        task_status.started()
        task_status.started()

    async with open_supervisor(
        supervisor("root", children=[worker("c", child, ready=True, restart=Restart.TEMPORARY)]), hooks=[events]
    ):
        exited = await events.wait_for(ChildExited, "root/c")
    assert "started() was called a second time" in exited.exit.crash.message


async def test_to_return_without_being_ready_is_a_failed_start():
    async def child(*, task_status):
        pass

    with pytest.raises(StartError, match=r"root/c did not start: it returned before task_status.started\(\)"):
        async with open_supervisor(supervisor("root", children=[worker("c", child, ready=True)])):
            raise AssertionError("the block must not begin")


@pytest.mark.virtual_time
async def test_a_start_that_takes_too_long_is_stopped_and_fails():
    before, hanging = Probe("before"), Probe("hanging", Hang())
    began = anyio.current_time()
    with pytest.raises(StartTimeout, match=r"root/hanging did not start: not ready within start_timeout=2.5 s"):
        async with open_supervisor(supervisor("root", children=[before.spec(), hanging.spec(start_timeout=2.5)])):
            raise AssertionError("the block must not begin")
    assert anyio.current_time() == pytest.approx(began + 2.5, abs=0.01)
    assert (before.alive, hanging.alive) == (0, 0)


async def test_ignore_leaves_a_child_out_and_keeps_its_spec():
    events = EventRecorder()

    async def child(*, task_status):
        raise Ignore

    async with open_supervisor(
        supervisor("root", children=[worker("c", child, ready=True), Probe("d").spec()]), hooks=[events]
    ) as root:
        assert root.child("c").state == "done"
        assert root.count_children().active == 1
        await events.wait_for(ChildIgnored, "root/c")


async def test_ignore_after_being_ready_is_a_crash():
    events = EventRecorder()

    async def child():
        raise Ignore

    async with open_supervisor(
        supervisor("root", children=[worker("c", child, restart=Restart.TEMPORARY)]), hooks=[events]
    ):
        assert (await events.wait_for(ChildExited, "root/c")).exit.crash.type == "otp.errors.Ignore"


@pytest.mark.parametrize(("restart", "restarted"), [(Restart.TRANSIENT, False), (Restart.PERMANENT, True)])
async def test_exit_shutdown_is_a_normal_end_with_a_word(restart, restarted):
    events, calls = EventRecorder(), []

    async def child():
        calls.append(1)
        if len(calls) > 1:
            await anyio.sleep_forever()
        raise ExitShutdown("enough for today")

    async with open_supervisor(supervisor("root", children=[worker("c", child, restart=restart)]), hooks=[events]):
        event = await events.wait_for(ChildRestarting if restarted else ChildExited, "root/c")
        await turns()
    assert str(event.exit) == "shutdown (enough for today)"
    assert len(calls) == 1 + restarted


@pytest.mark.virtual_time
async def test_downtime_runs_from_the_end_to_being_ready_again():
    events, starts = EventRecorder(), []

    async def child(*, task_status):
        starts.append(1)
        if len(starts) > 1:
            await anyio.sleep(3)
        task_status.started()
        await anyio.sleep(10)
        if len(starts) == 1:
            raise ValueError
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root", children=[worker("c", child, ready=True)]), hooks=[events]) as root:
        again = await events.wait_for(ChildStarted, "root/c", count=2)
        assert again.downtime == pytest.approx(3.0, abs=0.01)
        assert root.child("c").downtime == pytest.approx(3.0, abs=0.01)
