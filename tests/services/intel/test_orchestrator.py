"""The orchestrator: which symbols are watched, and what it says when something begins and ends to be wrong."""

import time
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from msgspec import structs

from services.intel import orchestrator
from services.intel.config import Feed
from services.intel.pipeline import Pipeline

LIST = "intel:watch_list"


class Lines:
    """A logger's lines, without what makes them pretty."""

    def __init__(self):
        self.said = []

    def warning(self, message, *args):
        self.said.append(("warning", message % args))

    def info(self, message, *args):
        self.said.append(("info", message % args))


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def running(intel, control, lines, monkeypatch):
    monkeypatch.setattr(orchestrator, "WATCH_INTERVAL", 0.01)

    @asynccontextmanager
    async def run(pipeline, config=intel):
        async with anyio.create_task_group() as group:
            yield await group.start(partial(orchestrator.run, config, pipeline, control, lines))
            group.cancel_scope.cancel()

    return run


async def test_the_list_on_the_bus_is_posted_and_followed(running, desk, until):
    desk.sadd(LIST, "AAPL", "MSFT")
    pipeline = Pipeline()
    async with running(pipeline) as value:
        assert value == 2
        assert pipeline.watch_list.symbols == {"AAPL", "MSFT"}
        desk.srem(LIST, "MSFT")
        await until(lambda: pipeline.watch_list.symbols == {"AAPL"})
        assert "AAPL" in pipeline.watch_list
        assert "MSFT" not in pipeline.watch_list


async def test_without_one_the_configured_list_counts_and_without_that_every_symbol(running, intel, desk, until):
    pipeline = Pipeline()
    config = structs.replace(intel, thresholds=structs.replace(intel.thresholds, watch=("NVDA",)))
    async with running(pipeline, config) as value:
        assert value == 1
        assert pipeline.watch_list.symbols == {"NVDA"}
    async with running(pipeline) as value:
        assert value == 0
        assert "ANY" in pipeline.watch_list


async def test_a_list_that_cannot_be_read_leaves_the_posted_one_and_is_said_once(running, desk, until, lines):
    desk.sadd(LIST, "AAPL")
    pipeline = Pipeline()
    async with running(pipeline):
        desk.set(LIST, "no set")
        await until(lambda: lines.said)
        await anyio.sleep(0.05)
        assert pipeline.watch_list.symbols == {"AAPL"}
        desk.delete(LIST)
        desk.sadd(LIST, "MSFT")
        await until(lambda: pipeline.watch_list.symbols == {"MSFT"})
    ((level, said),) = lines.said
    assert level == "warning"
    assert "WRONGTYPE" in said


async def test_while_redis_is_away_the_list_stays_and_nothing_is_said(running, desk, until, lines, intel_bus):
    desk.sadd(LIST, "AAPL")
    pipeline = Pipeline()
    async with running(pipeline):
        await anyio.to_thread.run_sync(intel_bus.kill)
        await anyio.sleep(0.3)
        assert pipeline.watch_list.symbols == {"AAPL"}
        await intel_bus.start()
        desk.sadd(LIST, "AAPL", "MSFT")  # both: a server that is killed may forget its last second
        await until(lambda: pipeline.watch_list.symbols == {"AAPL", "MSFT"})
    assert lines.said == []


async def test_a_feed_that_falls_silent_is_said_once_and_once_when_it_is_back(running, with_news, until, lines):
    quick, slow = (
        Feed(id=id, url="http://127.0.0.1/", every=every, timeout=0.05)
        for id, every in (("quick", 0.05), ("slow", 3_600))
    )
    pipeline = Pipeline()
    async with running(pipeline, with_news(feeds=(quick, slow))):
        await until(lambda: lines.said)
        await anyio.sleep(0.05)
        pipeline.note_poll("quick")
        await until(lambda: len(lines.said) == 2)
    began, ended = lines.said
    assert began[0] == "warning"
    assert began[1].startswith("feed 'quick' could not be read for ")
    assert ended == ("info", "feed 'quick' is read again")


async def test_losses_are_said_once_when_they_begin_and_once_when_they_are_over(running, until, lines):
    pipeline = Pipeline()
    async with running(pipeline):
        deadline = time.monotonic() + 5
        while not lines.said:
            assert time.monotonic() < deadline
            pipeline.counts.lost += 3
            await anyio.sleep(0.005)
        await until(lambda: len(lines.said) == 2)
        pipeline.counts.unreadable += 1
        await until(lambda: len(lines.said) == 4)
    assert [level for level, _ in lines.said] == ["warning", "info", "warning", "info"]
    assert "cut off before they were read" in lines.said[0][1]
    assert "no more entries of the stream hold no frame" in lines.said[3][1]
