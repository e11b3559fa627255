"""Ctrl-C, `sys.exit` and foreign cancellations that hit a child at the worst moment."""

import asyncio

import anyio
import pytest

from otp import open_supervisor, supervisor, worker
from otp.testing import EventRecorder, Journal, Probe, Run


async def test_a_sys_exit_in_the_clean_up_of_a_child_ends_the_stop_without_waiting_for_it():
    journal: Journal = []
    a = Probe("a", journal=journal)

    async def exits():
        try:
            await anyio.sleep_forever()
        finally:
            raise SystemExit(4)

    with anyio.fail_after(2), pytest.raises(SystemExit) as raised:
        async with open_supervisor(supervisor("root", children=[a.spec(), worker("x", exits, shutdown=float("inf"))])):
            await anyio.sleep(0)
    assert raised.value.code == 4
    assert journal == ["start a", "end a"]


async def test_an_interrupt_before_a_child_is_ready_stops_the_start():
    a, b = Probe("a"), Probe("b")

    async def interrupted(*, task_status):
        raise KeyboardInterrupt

    spec = supervisor("root", children=[a.spec(), worker("i", interrupted, ready=True), b.spec()])
    with pytest.raises(KeyboardInterrupt):
        async with open_supervisor(spec):
            raise AssertionError("the block must not begin")
    assert (a.alive, b.starts) == (0, 0)


async def test_of_two_interrupts_the_first_goes_on_upwards():
    gate, order = anyio.Event(), []

    async def exits(code):
        await gate.wait()
        order.append(code)
        raise SystemExit(code)

    with pytest.raises(SystemExit) as raised:
        async with open_supervisor(supervisor("root", children=[worker("a", exits, 1), worker("b", exits, 2)])):
            gate.set()
            await anyio.sleep_forever()
    assert raised.value.code == order[0]


@pytest.mark.parametrize("anyio_backend", ["asyncio", ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"])
async def test_a_child_that_somebody_cancels_before_its_first_line_is_a_crash_too():
    a = Probe("a")
    with anyio.fail_after(2):
        async with open_supervisor(supervisor("root", children=[])) as root:
            before = asyncio.all_tasks()
            adding = asyncio.ensure_future(root.start_child(a.spec(ready=False)))
            while not (new := asyncio.all_tasks() - before - {adding}):
                await asyncio.sleep(0)
            (child,) = new
            child.cancel()
            await adding
            while not a.alive:
                await asyncio.sleep(0)
            assert root.child("a").crashes == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stopping_child_that_somebody_else_cancels_too_ends_the_stop():
    a, journal = Probe("a", Run(cleanup=0.0)), []

    async def child():
        journal.append(asyncio.current_task())
        await anyio.sleep_forever()

    with anyio.fail_after(2):
        async with open_supervisor(supervisor("root", children=[worker("c", child), a.spec()])) as root:
            await asyncio.sleep(0)
            stopping = asyncio.ensure_future(root.terminate_child("c"))
            await asyncio.sleep(0)
            journal[0].cancel()
            await stopping
            assert root.child("c").state == "stopped"


async def test_a_child_cancelled_by_a_scope_of_its_own_ends_as_it_likes():
    events = EventRecorder()

    async def child():
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anyio.sleep_forever()
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root", children=[worker("c", child)]), hooks=[events]) as root:
        for _ in range(5):
            await anyio.sleep(0)
        assert (root.child("c").state, root.child("c").crashes) == ("running", 0)
