"""The orchestrator on a real bus: what it says of the backlog, and that it says it once."""

from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from msgspec import structs

from services.sentiment import orchestrator
from services.sentiment.config import Backlog
from services.sentiment.tally import Tally
from services.shared import redis_clients

ARTICLES = "intel:articles"
GROWN = "the backlog has grown: %d articles wait to be scored"
GONE = "the backlog is gone: %d articles wait to be scored"


class Recorder:
    """A log that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def _keep(self, message, *args, emoji=""):
        self.lines.append(message % args)

    warning = ok = _keep


class Counting:
    """A client that counts the looks it is used for."""

    def __init__(self, client):
        self._client = client
        self.renew = client.renew
        self.register_script = client.register_script
        self.looks = 0

    async def execute_command(self, *words):
        try:
            return await self._client.execute_command(*words)
        finally:
            self.looks += words[:2] == ("XINFO", "GROUPS")


class Orchestra:
    """The orchestrator, started and stopped at will; what was said and counted stays."""

    def __init__(self, config, until):
        self.config = structs.replace(config, backlog=Backlog(grown=5, gone=1, every=0.005))
        self.tally = Tally()
        self.log = Recorder()
        self.waiting = None
        self._until = until

    @asynccontextmanager
    async def playing(self):
        client = redis_clients.control(self.config.buses.intel)
        self._redis = Counting(client)
        run = partial(orchestrator.run, self.config, self.tally, self._redis, self.log)
        async with redis_clients.opened(client), anyio.create_task_group() as group:
            self.waiting = await group.start(run)
            yield
            group.cancel_scope.cancel()

    async def looks(self, times=3):
        """Wait until it has looked so many times more."""
        enough = self._redis.looks + times
        await self._until(lambda: self._redis.looks >= enough)


@pytest.fixture
def orchestra(sentiment, until):
    return Orchestra(sentiment, until)


def publish(intel, count):
    for n in range(count):
        intel.publish("Great profit", ["A"], id=str(n))


def score(raw, count):
    """What a worker would do: read and acknowledge."""
    ((_, entries),) = raw.xreadgroup("sentiment", "scorer", {ARTICLES: ">"}, count=count)
    raw.xack(ARTICLES, "sentiment", *(id for id, _ in entries))


async def test_it_is_ready_with_the_number_of_articles_that_wait_and_the_group_is_there(orchestra, intel, raw):
    publish(intel, 3)
    async with orchestra.playing():
        assert orchestra.waiting == 3
    assert [group["name"] for group in raw.xinfo_groups(ARTICLES)] == [b"sentiment"]


async def test_a_backlog_is_told_once_when_it_has_grown_and_once_when_it_is_gone(orchestra, intel, raw):
    async with orchestra.playing():
        publish(intel, 4)
        await orchestra.looks()
        assert orchestra.log.lines == []
        publish(intel, 3)
        await orchestra.looks()
        score(raw, 4)
        await orchestra.looks()
        assert orchestra.log.lines == [GROWN % 7]
        score(raw, 2)
        await orchestra.looks()
        assert orchestra.log.lines == [GROWN % 7, GONE % 1]


async def test_articles_that_are_read_and_not_settled_wait_too(orchestra, intel, raw):
    async with orchestra.playing():
        publish(intel, 6)
        raw.xreadgroup("sentiment", "scorer", {ARTICLES: ">"})
        await orchestra.looks()
    assert orchestra.log.lines == [GROWN % 6]


async def test_a_restarted_orchestrator_says_nothing_again_and_what_is_over_meanwhile(orchestra, intel, raw):
    publish(intel, 6)
    for _ in range(3):
        async with orchestra.playing():
            await orchestra.looks()
    assert orchestra.log.lines == [GROWN % 6]
    score(raw, 6)
    async with orchestra.playing():
        assert orchestra.log.lines == [GROWN % 6, GONE % 0]


async def test_where_redis_has_lost_count_it_is_counted(orchestra, intel, raw):
    async with orchestra.playing():
        publish(intel, 9)
        score(raw, 1)
        raw.xdel(ARTICLES, raw.xrange(ARTICLES)[-1][0])
        (group,) = raw.xinfo_groups(ARTICLES)
        assert group["lag"] is None
        await orchestra.looks()
    assert GROWN % 5 in orchestra.log.lines  # as many as make a backlog, seven if they were all counted


async def test_articles_that_are_lost_are_told_once(orchestra):
    orchestra.tally.lost = 2
    async with orchestra.playing():
        await orchestra.looks()
        orchestra.tally.lost = 5
        await orchestra.looks()
    told = "articles were cut off from the stream before they were scored"
    assert orchestra.log.lines == [f"2 {told}", f"3 {told}"]


async def test_a_redis_that_goes_away_and_comes_back_does_not_stop_it(orchestra, intel, market):
    async with orchestra.playing():
        market.kill()
        await orchestra.looks(1)
        await market.start()
        publish(intel, 6)
        await orchestra.looks()
    assert orchestra.log.lines == [GROWN % 6]


async def test_a_stream_that_somebody_deletes_is_no_backlog(orchestra, intel, raw):
    publish(intel, 6)
    async with orchestra.playing():
        raw.delete(ARTICLES)
        await orchestra.looks()
        intel.publish("Great profit")  # a stream without our group
        await orchestra.looks()
    assert orchestra.log.lines == [GROWN % 6, GONE % 0]
