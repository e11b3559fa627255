"""The four services, each with work to do, and what must have come of it."""

import json
import tempfile
import time
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec

from otp import open_supervisor
from otp.events import ChildHeld, ChildStarted, FatalFailure, IntensityReached
from otp.testing import EventRecorder
from services.execution.config import Broker, Execution, Limits
from services.execution.supervised_main import SERVICE as EXECUTION
from services.intel.config import Feed as NewsFeed
from services.intel.config import Intel, News, Thresholds
from services.intel.supervised_main import SERVICE as INTEL
from services.massive.config import Feed, Massive
from services.massive.demo.audit import Audit
from services.massive.provider import ProviderConfig, open_provider
from services.massive.supervised_main import SERVICE as MASSIVE
from services.sentiment.config import Sentiment
from services.sentiment.supervised_main import SERVICE as SENTIMENT
from services.shared import redis_clients
from services.shared.identity import Buses
from services.shared.logutil import LogUtil
from tests.services.intel.conftest import item, open_news, rss
from tests.services.intel.test_signals import Market, published
from tests.sizes import WHOLE

MANY = 400


class Rig:
    """A service under its supervisor, on one server that is all three buses, perhaps behind a go-between."""

    service = None

    def __init__(self, url, raw, until):
        self.buses = Buses(system=url, market=url, intel=url)
        self.raw = raw
        self.until = until
        self.events = EventRecorder()

    @asynccontextmanager
    async def running(self):
        """Run it for the block; it has to be there still at its end, as a whole."""
        self.shared = self.service.shared(self.config, LogUtil(self.service.name))
        try:
            spec = self.service.tree(self.config, self.shared)
            async with open_supervisor(spec, hooks=[self.events]) as self.tree:
                yield
            assert not self.events.of(IntensityReached)
            assert not self.events.of(FatalFailure)
        finally:
            await self.shared.aclose()

    async def is_held(self, within=10.0):
        await self.until(lambda: self.events.of(ChildHeld), within)

    def is_up(self):
        return all(child.state == "running" for child in self.tree.walk())

    def restarts(self):
        """How often anybody was started again."""
        return Counter(event.path for event in self.events.of(ChildStarted) if event.generation > 1)

    def work(self):
        """Give it something to do: more than it has done before trouble begins."""

    def moved(self):
        """How much it has done."""
        raise NotImplementedError

    async def is_done(self):
        """Everything has come through, and nothing twice."""
        raise NotImplementedError


class MassiveRig(Rig):
    service = MASSIVE

    @asynccontextmanager
    async def open(self):
        async with open_provider(ProviderConfig(rate=2_000)) as self.provider:
            feed = Feed(url=self.provider.url, api_key="demo-key", subscriptions=("T.*", "Q.*"))
            self.config = Massive(feed=feed, buses=self.buses)
            yield

    def moved(self):
        return self.shared.pipeline.counts.consumed

    async def is_done(self):
        counts = self.shared.pipeline.counts
        already = counts.events_out
        await self.until(lambda: counts.events_out > already + MANY)
        await self.tree.terminate_child("workers/ws_worker")
        client = redis_clients.control(self.buses.market)
        async with redis_clients.opened(client):
            books = await Audit(self.provider, client, self.config.keys).balance()
        assert (books.lost, books.duplicated, counts.dropped_frames) == (0, 0, 0)
        await self.until(lambda: self._settled() and self._trades_in_bars() == self._trades_on_bus(), 10)

    def _settled(self):
        (group,) = self.raw.xinfo_groups("massive:ws:stream")
        return group["lag"] == 0 and group["pending"] == 0

    def _trades_in_bars(self):
        bars = (self.raw.hget(key, "n") for key in self.raw.scan_iter("massive:model:bar:*"))
        return sum(int(number) for number in bars if number)

    def _trades_on_bus(self):
        frames = (json.loads(fields[b"payload"]) for _, fields in self.raw.xrange("massive:ws:stream"))
        return sum(event["ev"] == "T" for frame in frames for event in frame)


class IntelRig(Rig):
    service = INTEL
    thresholds = Thresholds(sample=1.0, memory=60, minimum=20, cool_down=30.0)

    @asynccontextmanager
    async def open(self):
        async with open_news() as self.news:
            feeds = tuple(NewsFeed(id=id, url=self.news.url(f"/{id}"), every=0.05, timeout=1.0) for id in ("a", "b"))
            self.config = Intel(buses=self.buses, news=News(feeds=feeds), thresholds=self.thresholds)
            self._publish("first")
            yield

    def _publish(self, *titles):
        for feed in ("a", "b"):
            items = [item(f"{title} {feed}", f"https://a.example/{title}/{feed}") for title in titles]
            self.news.serve(f"/{feed}", rss(*items))

    def work(self):
        self.market = Market(self.raw, self.thresholds)
        self.market.spikes(100, 200, 300, seconds_in_all=MANY)
        self._publish("first", "second")

    def moved(self):
        return self.shared.pipeline.counts.entries

    async def is_done(self):
        await self.until(lambda: self.shared.pipeline.counts.entries >= MANY, 10)
        await self.until(lambda: len(self._titles()) == 4, 10)
        assert max(self._titles().values()) == 1
        assert published(self.raw) == self.market.expected() != []

    def _titles(self):
        articles = (json.loads(fields[b"article"]) for _, fields in self.raw.xrange("intel:articles"))
        return Counter(article["title"] for article in articles)


class SentimentRig(Rig):
    service = SENTIMENT

    @asynccontextmanager
    async def open(self):
        self.config = Sentiment(buses=self.buses)
        yield

    def work(self):
        together = self.raw.pipeline()
        for n in range(MANY):
            article = {"id": f"a{n}", "title": "a great day", "symbols": ["AAPL"], "published": 1_700_000_000.0}
            together.xadd("intel:articles", {"article": json.dumps(article | {"source": "s", "url": "u"})})
        together.execute()

    def moved(self):
        return self.shared.tally.scored

    async def is_done(self):
        await self.until(lambda: self.raw.xlen("sentiment:scores") >= MANY, 10)
        scores = [json.loads(fields[b"score"])["article"] for _, fields in self.raw.xrange("sentiment:scores")]
        assert Counter(scores) == Counter(f"a{n}" for n in range(MANY))


class ExecutionRig(Rig):
    service = EXECUTION

    @asynccontextmanager
    async def open(self):
        with tempfile.TemporaryDirectory(prefix="paper-") as folder:
            broker = Broker(socket=str(Path(folder) / "broker.sock"), prices={"GOOG": 100.0})
            limits = Limits(
                quantity_per_score=10, max_quantity=10_000, max_position=1_000_000, orders_per_minute=1_000_000
            )
            self.config = Execution(broker=broker, buses=self.buses, limits=limits)
            yield

    def work(self):
        together = self.raw.pipeline()
        signal = {"symbol": "GOOG", "kind": "price", "direction": "up", "score": 1.0, "price": 99.5, "at": time.time()}
        for n in range(MANY):
            together.xadd("intel:signals", {"signal": msgspec.json.encode(signal | {"id": f"s{n}"})})
        together.execute()

    def moved(self):
        return self.raw.xlen("execution:orders")

    async def is_done(self):
        await self.until(lambda: int(self.raw.hget("execution:positions", "GOOG") or 0) >= 10 * MANY, 20)
        await anyio.sleep(0.1)
        assert int(self.raw.hget("execution:positions", "GOOG")) == 10 * MANY
        orders = [json.loads(fields[b"order"])["signal"] for _, fields in self.raw.xrange("execution:orders")]
        assert Counter(orders) == Counter(f"s{n}" for n in range(MANY))
        assert self.raw.xlen("execution:fills") == self.raw.xlen("broker:fills") == MANY


RIGS = {rig.service.name: rig for rig in (MassiveRig, IntelRig, SentimentRig, ExecutionRig)}


def services(*few):
    """All of them, or these where time is short."""
    return tuple(RIGS) if WHOLE else few
