"""A stop gives the time that it promises: asked once, then left in peace for `shutdown` seconds, then killed (S43)."""

import asyncio
import inspect

import anyio
import pytest
from anyio._backends import _asyncio

from otp import open_supervisor, supervisor, worker
from otp.errors import SpecError
from otp.events import ChildExited, ChildLate, ChildRefused
from otp.exits import Killed, Normal, Shutdown
from otp.testing import EventRecorder, virtual_backend
from tests.runtime.clean_ups import ON_ASYNCIO, ON_TRIO, flush


def name(shape):
    return shape.__name__


IN_VIRTUAL_TIME = virtual_backend("asyncio")
ASYNCIO = pytest.mark.parametrize(
    "anyio_backend", [IN_VIRTUAL_TIME, ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"]
)
ASKED = pytest.mark.parametrize("asked", ["stop", "restart", "terminate"])


@ASYNCIO
@ASKED
@pytest.mark.parametrize("shape", ON_ASYNCIO, ids=name)
async def test_a_clean_up_that_awaits_runs_to_its_end(shape, asked):
    await runs_to_its_end(shape, asked)


@ASKED
@pytest.mark.parametrize("shape", ON_TRIO, ids=name)
async def test_a_clean_up_that_is_shielded_runs_to_its_end_on_every_loop(shape, asked):
    await runs_to_its_end(shape, asked)


async def runs_to_its_end(shape, asked):
    done, events = [], EventRecorder()
    spec = supervisor("root", children=[worker("a", shape, done)])
    async with open_supervisor(spec, hooks=[events]) as root:
        await anyio.sleep(0.02)
        if asked != "stop":
            await getattr(root, "restart" if asked == "restart" else "terminate_child")("a")
            assert done[-1] == "clean"
            done.clear()
            if asked == "terminate":
                await root.restart_child("a")
            await anyio.sleep(0.02)
    assert done[-1] == "clean"
    assert all(isinstance(event.exit, Shutdown | Normal) for event in events.of(ChildExited))
    assert not events.of(ChildLate)


async def slow(done):
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(3)
        done.append("shielded")
        await anyio.sleep(3600)


@pytest.mark.virtual_time
async def test_one_whose_clean_up_takes_longer_than_its_time_is_killed_and_named_with_the_line():
    done, events = [], EventRecorder()
    async with open_supervisor(
        supervisor("root", children=[worker("a", slow, done, shutdown=4.0)]), hooks=[events]
    ) as root:
        await anyio.sleep(0)
        await root.terminate_child("a")
    (late,) = events.of(ChildLate) or [None]
    if late is not None:  # on trio its scope is cancelled, so that it is over when the shield is left
        assert late.grace == 4.0
        assert "slow" in late.chain[0]
        assert events.of(ChildExited)[0].exit == Killed()
    assert done == ["shielded"]
    assert not events.of(ChildRefused)


@pytest.mark.virtual_time
async def test_one_that_swallows_its_cancellation_is_killed_after_its_time():
    events = EventRecorder()

    async def swallows():
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            pass
        await anyio.sleep_forever()

    async with open_supervisor(
        supervisor("root", children=[worker("a", swallows, shutdown=2.0)]), hooks=[events]
    ) as root:
        await anyio.sleep(0)
        begun = anyio.current_time()
        await root.terminate_child("a")
        took = anyio.current_time() - begun
    expected = {"asyncio": (2.0, Killed()), "trio": (0.0, Shutdown())}[backend_now()]
    assert (took, events.of(ChildExited)[0].exit) == expected


def backend_now():
    return "asyncio" if anyio.get_cancelled_exc_class() is asyncio.CancelledError else "trio"


async def test_a_worker_may_have_it_by_its_scope_as_anyio_does_it_and_then_it_is_cut_off_where_it_awaits():
    done = []

    async def plain():
        try:
            await anyio.sleep_forever()
        finally:
            done.append("begins")
            await flush(done)

    async with open_supervisor(supervisor("root", children=[worker("a", plain, cancel="scope")])):
        await anyio.sleep(0)
    assert done == ["begins"]


def test_another_way_to_be_cancelled_is_refused():
    with pytest.raises(SpecError, match="cancel of worker 'a': expected 'once' or 'scope', got 'twice'"):
        worker("a", anyio.sleep_forever, cancel="twice")


@pytest.mark.parametrize("anyio_backend", [IN_VIRTUAL_TIME], ids=["asyncio"])
@pytest.mark.parametrize("order", ["the time-out first", "the stop first"])
async def test_a_stop_in_the_turn_in_which_a_time_out_of_the_worker_expires_cuts_nothing_off(order):
    done = []

    async def work():
        try:
            with anyio.move_on_after(1.0):
                await anyio.sleep_forever()
            done.append("timed out")
            await anyio.sleep_forever()
        finally:
            await flush(done)

    async with open_supervisor(supervisor("root", children=[worker("a", work)])) as root:
        await anyio.sleep(1.0 if order == "the time-out first" else 0.999_999_999)
        await root.terminate_child("a")
    assert done[-1] == "clean"


@ASYNCIO
@pytest.mark.parametrize("done", ["before the stop", "between the stop and its arrival"])
async def test_a_stop_is_not_lost_in_a_wait_for_whose_result_comes_in_the_same_turn(done):
    loop, seen, waits = asyncio.get_running_loop(), [], []

    async def work():
        try:
            while True:
                waits.append(loop.create_future())
                await asyncio.wait_for(waits[-1], 60)
        finally:
            await flush(seen)

    events = EventRecorder()
    async with open_supervisor(supervisor("root", children=[worker("a", work)]), hooks=[events]) as root:
        await anyio.sleep(0.01)
        if done == "before the stop":
            waits[-1].set_result(None)
        else:
            loop.call_soon(waits[-1].set_result, None)
        with anyio.fail_after(4):
            await root.terminate_child("a")
    assert seen == ["clean"]
    assert [event.exit for event in events.of(ChildExited)] == [Shutdown()]


async def test_a_worker_that_asks_for_its_own_stop_cleans_up_in_peace():
    done, handle = [], []

    async def asks():
        async with anyio.create_task_group() as group:
            try:
                group.start_soon(handle[0].terminate_child, "a")
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await flush(done)

    async with open_supervisor(supervisor("root", children=[])) as root:
        handle.append(root)
        await root.start_child(worker("a", asks))
        with anyio.fail_after(5):
            while not done:
                await anyio.sleep(0.01)


async def test_a_stop_before_the_first_line_reaches_it_where_it_first_awaits():
    done = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await flush(done)

    async with open_supervisor(supervisor("root", children=[worker("a", work)])) as root:
        await root.terminate_child("a")
        assert root.child("a").state == "stopped"
    assert done in ([], ["clean"])  # on asyncio a task whose first line has not run may end without running


def test_what_is_known_of_the_inside_of_anyio_is_still_so():
    scope = _asyncio.CancelScope
    wanted = {"_cancel_called", "_cancel_reason", "_cancel_handle", "_host_task", "_parent_scope", "_shield"}
    assert wanted <= set(scope.__slots__)
    assert list(inspect.signature(scope._deliver_cancellation).parameters) == ["self", "origin"]
    assert list(inspect.signature(scope.cancel).parameters) == ["self", "reason"]
    left = inspect.getsource(scope._restart_cancellation_in_parent)
    assert "_deliver_cancellation(scope)" in left
    assert "_restart_cancellation_in_parent" in inspect.getsource(scope.__exit__)
    assert "_deliver_cancellation(self)" in inspect.getsource(scope.__enter__)
    assert {"cancel_scope", "parent_id"} <= set(_asyncio.TaskState.__slots__)


REAL_TIME = pytest.mark.parametrize(
    "anyio_backend",
    [("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})],
    ids=["asyncio", "uvloop"],
)
"""A loop that is never idle has no virtual time: that passes only while nobody runs."""


@REAL_TIME
async def test_a_worker_that_finds_a_result_in_every_turn_is_stopped_in_order():
    queue, events = asyncio.Queue(), EventRecorder()

    async def produce():
        while True:
            queue.put_nowait(1)
            await asyncio.sleep(0)

    async def consume():
        while True:
            await queue.get()

    children = [worker("a", produce, shutdown=30.0), worker("b", consume, shutdown=30.0)]
    with anyio.fail_after(10):
        async with open_supervisor(supervisor("root", children=children), hooks=[events]):
            await asyncio.sleep(0.01)
    assert [event.exit for event in events.of(ChildExited)] == [Shutdown(), Shutdown()]
    assert not events.of(ChildLate)


@REAL_TIME
async def test_a_kill_reaches_a_worker_that_finds_a_result_in_every_turn():
    queue, events = asyncio.Queue(), EventRecorder()

    async def produce():
        while True:
            queue.put_nowait(1)
            await asyncio.sleep(0)

    async def consume():
        while True:
            await queue.get()

    children = [worker("a", produce), worker("b", consume, shutdown="brutal_kill")]
    with anyio.fail_after(10):
        async with open_supervisor(supervisor("root", children=children), hooks=[events]):
            await asyncio.sleep(0.01)
    assert events.of(ChildExited, "root/b")[0].exit == Killed()
    assert not events.of(ChildRefused)


@REAL_TIME
async def test_while_a_shield_holds_the_stop_off_the_tasks_beside_it_go_on():
    rounds, stopping = [], asyncio.Event()

    async def helper(lock):
        while True:
            async with lock:
                rounds.append(stopping.is_set())
            await asyncio.sleep(0.001)

    async def work():
        async with anyio.create_task_group() as group:
            group.start_soon(helper, anyio.Lock())
            with anyio.CancelScope(shield=True):
                while rounds.count(True) < 20:
                    await asyncio.sleep(0.001)
            await anyio.sleep_forever()

    events = EventRecorder()
    with anyio.fail_after(10):
        async with open_supervisor(supervisor("root", children=[worker("a", work, shutdown=30.0)]), hooks=[events]):
            await asyncio.sleep(0.01)
            stopping.set()
    assert rounds.count(True) >= 20
    assert [event.exit for event in events.of(ChildExited)] == [Shutdown()]
