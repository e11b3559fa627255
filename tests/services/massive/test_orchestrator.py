"""The orchestrator on a real bus, with the worker that wakes it and the one that carries out its plan."""

from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from msgspec import structs
from redis.exceptions import ConnectionError as NotConnected

from services.massive import orchestrator
from services.massive.config import Feed
from services.massive.pipeline import Pipeline
from services.massive.workers import stream, subscriptions
from services.shared import redis_clients

LIST = "massive:ws:subscription_list"
UPDATED = "massive:ws:subscription_updated"


class Recorder:
    """A log that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def _keep(self, message, *args, emoji=""):
        self.lines.append(message % args)

    info = warning = _keep


class Watched:
    """A client that counts how often it found nobody."""

    def __init__(self, client):
        self._client = client
        self.renew = client.renew
        self.failed = 0

    async def execute_command(self, *words):
        try:
            return await self._client.execute_command(*words)
        except NotConnected:
            self.failed += 1
            raise


class Orchestra:
    """The orchestrator and its surroundings."""

    def __init__(self, config):
        self.config = config
        self.pipeline = Pipeline(1_000)
        self.log = Recorder()
        self.planned = None
        self.redis = None

    @property
    def wanted(self):
        return self.pipeline.wishes.wanted

    @asynccontextmanager
    async def playing(self, *others):
        """Run the orchestrator, and behind it the other workers, for the block."""
        client = redis_clients.control(self.config.buses.market)
        self.redis = Watched(client)
        run = partial(orchestrator.run, self.config, self.pipeline, self.redis, self.log)
        async with redis_clients.opened(client), anyio.create_task_group() as group:
            self.planned = await group.start(run)
            for other in others:
                await group.start(other)
            yield
            group.cancel_scope.cancel()

    @property
    def waker(self):
        return partial(subscriptions.run, self.config, self.pipeline)

    @property
    def socket(self):
        return partial(stream.run, self.config.feed, self.pipeline)


@pytest.fixture
def orchestra(massive, provider):
    feed = Feed(url=provider.url, api_key="demo-key", subscriptions=("T.GOOG",))
    return Orchestra(structs.replace(massive, feed=feed))


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(orchestrator, "WATCH_INTERVAL", 0.02)


def say(raw, *commands):
    """Change the list, and say so."""
    for command, *wishes in commands:
        getattr(raw, command)(LIST, *wishes)
    raw.publish(UPDATED, "changed")


async def test_the_list_on_the_bus_is_planned_before_it_is_ready(orchestra, raw):
    raw.sadd(LIST, "T.AAPL", "Q.AAPL")
    async with orchestra.playing():
        assert orchestra.planned == 2
        assert orchestra.wanted == {"T.AAPL", "Q.AAPL"}


async def test_without_a_list_the_feed_s_own_subscriptions_are_planned(orchestra):
    async with orchestra.playing():
        assert orchestra.wanted == {"T.GOOG"}


async def test_a_changed_list_is_carried_by_the_provider_and_what_left_it_is_not(orchestra, raw, provider, until):
    raw.sadd(LIST, "T.AAPL")
    carried = provider._all
    async with orchestra.playing(orchestra.waker, orchestra.socket):
        await until(lambda: "T.AAPL" in provider.sent[0].channels)
        say(raw, ("sadd", "Q.MSFT"), ("srem", "T.AAPL"))
        await until(lambda: "Q.MSFT" in provider.sent[0].channels)
        assert {channel.name for channel in carried[0].held} == {"Q.MSFT"}
        count = provider.sent[0].channels["Q.MSFT"].count
        stopped = provider.sent[0].channels["T.AAPL"].count
        await until(lambda: provider.sent[0].channels["Q.MSFT"].count > count + 10)
        assert provider.sent[0].channels["T.AAPL"].count == stopped
        assert len(provider.sent) == 1


async def test_a_change_that_nobody_announced_is_found_at_the_next_look(orchestra, raw, until, often):
    async with orchestra.playing():
        raw.sadd(LIST, "Q.NVDA")
        await until(lambda: orchestra.wanted == {"Q.NVDA"})


async def test_while_redis_is_away_the_plan_stays_and_afterwards_the_list_counts_again(orchestra, market, raw, until):
    raw.sadd(LIST, "T.AAPL")
    async with orchestra.playing():
        market.kill()
        orchestra.pipeline.call_orchestrator()
        await until(lambda: orchestra.redis.failed == 1)
        assert orchestra.wanted == {"T.AAPL"}
        await market.start()
        raw.sadd(LIST, "T.MSFT")
        orchestra.pipeline.call_orchestrator()
        await until(lambda: orchestra.wanted == {"T.AAPL", "T.MSFT"})
    assert orchestra.log.lines == []


async def test_a_key_that_is_no_list_leaves_the_plan_and_is_said_once(orchestra, raw, until, often):
    raw.sadd(LIST, "T.AAPL")
    async with orchestra.playing():
        raw.delete(LIST)
        raw.set(LIST, "T.MSFT")
        await until(lambda: orchestra.log.lines)
        looks = raw.info("commandstats")["cmdstat_smembers"]["calls"]
        await until(lambda: raw.info("commandstats")["cmdstat_smembers"]["calls"] > looks + 3)
        assert orchestra.wanted == {"T.AAPL"}
        (said,) = orchestra.log.lines
        assert "cannot be read, the plan stays" in said
        assert "WRONGTYPE" in said


async def test_refused_wishes_are_said_once_each_and_the_others_are_planned(orchestra, raw, until, often):
    raw.sadd(LIST, "T.AAPL", "ZZ.AAPL")
    async with orchestra.playing():
        raw.sadd(LIST, "T.MSFT", b"\xff\xfe")
        await until(lambda: orchestra.wanted == {"T.AAPL", "T.MSFT"})
        assert len(orchestra.log.lines) == 2
        assert orchestra.log.lines[0].startswith("subscription refused: 'ZZ.AAPL': stocks carries A, AM,")
        assert "expected TOPIC.SYMBOL" in orchestra.log.lines[1]


async def test_frames_that_are_dropped_are_said_once_and_so_is_their_end(orchestra, until, often):
    async with orchestra.playing():
        counts, said = orchestra.pipeline.counts, orchestra.log.lines
        counts.dropped_frames += 7
        await until(lambda: len(said) == 2)
        assert said == [
            "the bus is slower than the feed: 7 frames dropped, the oldest first",
            "no more frames are dropped",
        ]


async def test_before_redis_answers_it_is_not_ready(orchestra, market, until):
    market.kill()
    async with anyio.create_task_group() as group:
        group.start_soon(start_late, market)
        began = anyio.current_time()
        async with orchestra.playing():
            assert anyio.current_time() - began > 0.2
            assert orchestra.wanted == {"T.GOOG"}


async def start_late(market):
    await anyio.sleep(0.2)
    await market.start()
