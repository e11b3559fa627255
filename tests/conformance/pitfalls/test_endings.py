"""Each way in which a child can end, and what follows from it: pitfall 32."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import ExitShutdown, Restart, events, exits, open_supervisor, supervisor, worker
from otp.testing import EventRecorder, Journal, Probe


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


async def returns():
    pass


async def shuts_down():
    raise ExitShutdown


async def raises():
    raise ValueError


async def raises_a_group():
    raise ExceptionGroup("two", [ValueError(), KeyError()])


async def is_cancelled_by_somebody_else():
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await checkpoint()
        except anyio.get_cancelled_exc_class() as error:
            stolen = error
    raise stolen


@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize(
    ("ending", "abnormal"),
    [
        (returns, False),
        (shuts_down, False),
        (raises, True),
        (raises_a_group, True),
        (is_cancelled_by_somebody_else, True),
    ],
)
async def test_each_way_to_end_meets_each_restart_type_as_in_s16_pitfall_32(ending, abnormal, restart):
    lives, recorder, sibling = 0, EventRecorder(), Probe("sibling")

    async def child():
        nonlocal lives
        lives += 1
        if lives > 1:
            await anyio.sleep_forever()
        await ending()

    restarted = restart is Restart.PERMANENT or (abnormal and restart is Restart.TRANSIENT)
    spec = supervisor("root", children=[sibling.spec(), worker("c", child, restart=restart)])
    async with open_supervisor(spec, hooks=[recorder]) as root:
        kind = events.ChildRestarting if restarted else events.ChildExited
        told = await recorder.wait_for(kind, "root/c")
        await turns()
        assert told.exit.abnormal is abnormal
        assert lives == 1 + restarted
        known = {child.id: child.state for child in root.which_children()}
        assert known.get("c") == (None if restart is Restart.TEMPORARY else "running" if restarted else "done")
        assert sibling.starts == 1


@pytest.mark.parametrize("restart", Restart)
async def test_a_requested_stop_is_a_shutdown_and_restarts_nothing_pitfall_32(restart):
    a, recorder = Probe("a"), EventRecorder()
    async with open_supervisor(supervisor("root", children=[a.spec(restart=restart)]), hooks=[recorder]) as root:
        await root.terminate_child("a")
        await turns()
        assert a.starts == 1
        (ended,) = recorder.of(events.ChildExited)
        assert (ended.exit, ended.asked) == (exits.Shutdown(), True)
        assert [child.state for child in root.which_children()] == ["stopped"][: restart is not Restart.TEMPORARY]


@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_an_interrupt_goes_on_upwards_and_restarts_nothing_pitfall_32(interrupt, restart):
    journal: Journal = []
    a, b = Probe("a", journal=journal), Probe("b", journal=journal)
    spec = supervisor("root", children=[a.spec(), b.spec(restart=restart)])
    with pytest.raises(type(interrupt)) as raised:
        async with open_supervisor(spec):
            b.crash(interrupt)
            await anyio.sleep_forever()
    assert raised.value is interrupt
    assert journal == ["start a", "start b", "end b", "end a"]


@pytest.mark.parametrize("anyio_backend", ["asyncio", ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("restart", Restart)
async def test_a_task_cancel_that_nobody_asked_for_is_abnormal_pitfall_32(restart):
    tasks = []

    async def child():
        tasks.append(asyncio.current_task())
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root", children=[worker("c", child, restart=restart)])):
        await turns()
        tasks[0].cancel()
        await turns()
        assert len(tasks) == 1 + (restart is not Restart.TEMPORARY)
