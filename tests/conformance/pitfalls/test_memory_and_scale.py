"""What the dead leave behind, and what many children cost: pitfalls 34, 35."""

import gc
import time
import weakref

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import Restart, Strategy, dynamic_supervisor, events, open_supervisor, supervisor, worker
from otp.testing import EventRecorder

UNLIMITED = {"intensity": 10**6, "period": 1.0}


class Big:
    pass


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_thousand_crashes_pin_no_frame_of_the_dead_pitfall_34(strategy):
    refs, over, recorder = [], anyio.Event(), EventRecorder()

    class Error(Exception):
        pass

    async def child():
        big = Big()
        error = Error("with a frame, and with an object of its own", big)
        refs.append((weakref.ref(big), weakref.ref(error)))
        await checkpoint()
        if len(refs) > 1_000:
            over.set()
            await anyio.sleep_forever()
        raise error

    spec = supervisor("root", strategy=strategy, **UNLIMITED, children=[worker("c", child)])
    async with open_supervisor(spec, hooks=[recorder]):
        await over.wait()
        await turns()
        assert len(recorder.of(events.ChildRestarting)) == 1_000
        gc.collect()
        assert sum(big() is not None or error() is not None for big, error in refs[:-1]) == 0


@pytest.mark.parametrize("crashes", [True, False])
@pytest.mark.parametrize("make", [supervisor, dynamic_supervisor])
async def test_arguments_of_temporary_children_are_let_go_pitfall_34(make, crashes):
    refs, tell = [], anyio.Event()

    async def child(argument):
        del argument
        await tell.wait()
        if crashes:
            raise ValueError

    async with open_supervisor(make("root", intensity=0)) as root:
        for n in range(1_000):
            argument = Big()
            refs.append(weakref.ref(argument))
            await root.start_child(worker(f"t{n}", child, argument, restart=Restart.TEMPORARY))
        del argument
        await turns()
        gc.collect()
        assert root.count_children().active == 1_000
        assert sum(ref() is not None for ref in refs) == 0
        tell.set()
        await turns()
        assert root.count_children().specs == 0


async def seconds_for(count):
    """Process time to start and to stop so many children, one half by request and the other with the tree."""
    specs = [worker(f"c{n}", anyio.sleep_forever) for n in range(count)]
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        async with open_supervisor(dynamic_supervisor("root")) as root:
            for spec in specs:
                await root.start_child(spec)
            for spec in specs[: count // 2]:
                await root.terminate_child(spec.id)
            assert root.count_children().specs == count // 2
        return time.process_time() - began
    finally:
        gc.enable()


async def test_ten_times_as_many_dynamic_children_cost_less_than_thirty_times_as_much_pitfall_35():
    few = max([await seconds_for(1_000) for _ in range(2)])
    assert await seconds_for(10_000) < 30 * few
