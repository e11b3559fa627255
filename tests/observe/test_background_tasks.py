"""What stands beside a tree ends alone: it is said once, started again at a bounded rate, and takes nobody along."""

import asyncio

import anyio
import pytest
from loguru import logger

from otp.observe.background_tasks import AGAIN, background_tasks
from otp.observe.observation import open_observation


class Odd(BaseException):
    """An exception outside of every family that a rule names."""


@pytest.fixture
def lines():
    lines = []
    sink = logger.add(lines.append, format="{level} {message}", level="INFO")
    yield lines
    logger.remove(sink)


@pytest.mark.virtual_time
@pytest.mark.parametrize("how", [None, ValueError("bug"), asyncio.CancelledError(), GeneratorExit(), Odd()], ids=repr)
async def test_a_service_that_ends_is_said_once_and_started_again(how, lines):
    starts = []

    async def service(*, task_status):
        starts.append(anyio.current_time())
        task_status.started()
        if how is not None:
            raise how

    async with background_tasks(service, name="the service"):
        await anyio.sleep(10 * AGAIN + 0.5)
    assert len(starts) == 11
    assert [line.partition(" again: ")[0] for line in lines] == ["ERROR the service has failed, and is started"]


@pytest.mark.virtual_time
async def test_one_that_ends_in_another_way_is_said_again(lines):
    errors = [ValueError("1"), ValueError("1"), KeyError("2"), ValueError("1")]

    async def service(*, task_status):
        task_status.started()
        if errors:
            raise errors.pop(0)
        await anyio.sleep_forever()

    async with background_tasks(service, name="s"):
        await anyio.sleep(10 * AGAIN)
    assert [line.strip().rpartition(": ")[2] for line in lines] == ["1", "'2'", "1"]


async def test_systemexit_in_a_service_ends_the_block_and_goes_on_upwards():
    async def service(*, task_status):
        task_status.started()
        await anyio.lowlevel.checkpoint()
        raise SystemExit(4)

    with pytest.raises(SystemExit) as raised:
        async with background_tasks(service, name="s"):
            await anyio.sleep_forever()
    assert raised.value.code == 4


@pytest.mark.virtual_time
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_library_that_cancels_the_watch_over_incidents_ends_neither_it_nor_the_block(anyio_backend, lines):
    """asyncio's task groups take the cancellation of a task for that of the whole group, in silence."""
    others = asyncio.all_tasks()
    ticks = []
    async with open_observation("shop") as seen:
        tick = seen.incidents.tick
        seen.incidents.tick = lambda now: (ticks.append(now), tick(now))
        await anyio.sleep(0.5)
        for task in asyncio.all_tasks() - others:
            task.cancel()
        await anyio.sleep(5.5)
        assert len(ticks) >= 3
    assert len(lines) == 1
    assert "the watch over incidents has failed, and is started again: CancelledError" in lines[0]
