"""Intel as a supervised tree, in this process: real servers, real feeds. One fails, the others live."""

from collections import Counter
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest

import trees.intel
from otp.events import ChildDelayed
from otp.policy import Backoff
from otp.testing import EventRecorder
from services.intel.config import Thresholds
from services.intel.policies import feed_policy
from services.intel.supervised_main import SERVICE
from services.shared.logutil import LogUtil
from services.shared.service_supervisor import ServiceSupervisor

from .conftest import item, rss
from .test_feed import titles
from .test_signals import Market, is_settled, published

SIGNALS = "intel/workers/signals"
FEEDS = "intel/workers/feeds"
LIMITS = Thresholds(sample=1.0, memory=60, minimum=20, cool_down=30.0)


class Service:
    """The service, what it was configured with, and what was seen of it."""

    def __init__(self, buses, until):
        self.events = EventRecorder()
        self._until = until
        self._setup = {
            "service_name": "intel",
            "buses": {f"{role}-redis": {"url": getattr(buses, role)} for role in ("system", "market", "intel")},
            "thresholds": msgspec.to_builtins(LIMITS),
        }
        self.supervisor = None
        self.code = None

    @asynccontextmanager
    async def running(self, *feeds, up=True):
        """Run it until all is up, and stop it in order with the block."""
        self._setup["workers"] = {"feeds": feeds}
        self.supervisor = ServiceSupervisor(SERVICE, config=self._setup, logger=LogUtil("intel"))
        async with anyio.create_task_group() as group:
            group.start_soon(self._run)
            await self._until(lambda: self.supervisor.is_up if up else len(self.children()) == 4 + len(feeds))
            yield
            self.supervisor.stop()
        assert self.code == 0

    async def _run(self):
        self.code = await self.supervisor.run((self.events,))

    @property
    def counts(self):
        return self.supervisor.shared.pipeline.counts

    def children(self):
        handle = self.supervisor.handle
        return {child.path: child for child in handle.walk()} if handle else {}

    def child(self, path):
        return self.children()[path]

    def generations(self):
        return {path: child.generation for path, child in self.children().items()}


@pytest.fixture
def service(buses, until, news, desk, intel_bus):
    service = Service(buses, until)
    service.news, service.desk, service.intel_bus = news, desk, intel_bus
    return service


@pytest.fixture
def feeds(news):
    """Feeds of the server that are polled all the time; each has an article of its own, and one that all have."""

    def make(*ids):
        for id in ids:
            news.serve(f"/{id}", rss(item(f"only {id}", f"https://a.example/{id}"), item("all", "https://a.example/")))
        return [{"id": id, "url": news.url(f"/{id}"), "every": 0.05, "timeout": 1.0} for id in ids]

    return make


@pytest.fixture
def stock(raw, service):
    return Market(raw, LIMITS)


@pytest.fixture
def quickly_parked(monkeypatch):
    """The policy of feeds, with less patience."""
    monkeypatch.setattr(trees.intel, "FEED", feed_policy(Backoff(0.01, factor=1.0, cap=0.01)))


# ------------------------------------------------------------------------------------------------ all is well


async def test_articles_and_signals_are_published_and_nothing_twice(service, feeds, stock, desk, until):
    stock.spikes(100, seconds_in_all=150)
    async with service.running(*feeds("one", "two")):
        await until(lambda: service.counts.signals and desk.xlen("intel:articles") == 3)
        await until(lambda: service.counts.polls > 6)
        assert set(service.generations().values()) == {1}
    assert Counter(titles(desk)) == {"only one": 1, "only two": 1, "all": 1}
    assert published(desk) == stock.expected() != []


async def test_a_new_orchestrator_begins_with_fresh_workers_and_replays_nothing(service, feeds, stock, desk, until):
    stock.spikes(100, seconds_in_all=150)
    async with service.running(*feeds("one")):
        for n in range(5):
            stock.spikes(150 + 50 * n + 25, begin=150 + 50 * n, seconds_in_all=50, seed=n)
            await service.supervisor.handle.restart("orchestrator")
            await until(lambda: service.supervisor.is_up)
        polls = service.counts.polls
        await until(lambda: service.counts.polls > polls and is_settled(stock.raw))
        assert service.child(SIGNALS).collateral == 5
    assert Counter(titles(desk)) == {"only one": 1, "all": 1}
    assert published(desk) == stock.expected() != []


# ------------------------------------------------------------------------------------------------ a feed fails


async def test_a_feed_whose_server_fails_restarts_alone_and_recovers(service, feeds, news, desk, until):
    async with service.running(*feeds("good", "bad")):
        await until(lambda: service.counts.polls > 2)
        before = service.generations()
        news.serve("/bad", status=503)
        await until(lambda: service.child(f"{FEEDS}/bad").generation >= 3)
        polls = len(news.asked["/good"])
        await until(lambda: len(news.asked["/good"]) > polls + 3)
        news.serve("/bad", rss(item("healed", "https://a.example/h")))
        await until(lambda: "healed" in titles(desk))
        after = service.generations()
        assert {path for path in after if after[path] != before[path]} == {f"{FEEDS}/bad"}
    (verdict,) = {event.verdict for event in service.events.of(ChildDelayed, f"{FEEDS}/bad")}
    assert verdict == "network_blip"


async def test_a_feed_that_stays_broken_is_parked_and_the_others_live(service, feeds, news, until, quickly_parked):
    async with service.running(*feeds("good", "bad")):
        before = service.generations()
        news.serve("/bad", b"<html>gone</html>")
        await until(lambda: service.child(f"{FEEDS}/bad").state == "failed")
        asked, polls = len(news.asked["/bad"]), len(news.asked["/good"])
        await until(lambda: len(news.asked["/good"]) > polls + 3)
        assert len(news.asked["/bad"]) == asked
        assert service.generations() == before | {f"{FEEDS}/bad": 6}
        assert service.supervisor.heartbeat()["state"] in {"up", "degraded"}


async def test_a_feed_that_refuses_us_is_parked_at_once_until_an_operator_restarts_it(
    service, feeds, news, desk, until
):
    given = feeds("good", "bad")
    news.serve("/bad", status=403)
    async with service.running(*given, up=False):
        await until(lambda: service.child(f"{FEEDS}/bad").state == "failed")
        await until(lambda: "only good" in titles(desk))
        assert len(news.asked["/bad"]) == 1
        assert set(service.generations().values()) == {1}
        feeds("bad")
        await service.supervisor.handle.restart_child("workers/feeds/bad")
        await until(lambda: "only bad" in titles(desk))
        assert service.supervisor.is_up


async def test_many_feeds_behind_a_network_that_is_down_take_nobody_along(service, feeds, until):
    gone = [{"id": f"gone-{n}", "url": "http://127.0.0.1:1/", "every": 60.0} for n in range(30)]
    async with service.running(*feeds("good"), *gone, up=False):
        await until(lambda: all(service.child(f"{FEEDS}/gone-{n}").generation >= 2 for n in range(30)), 15)
        generations = service.generations()
        others = {path: number for path, number in generations.items() if "gone" not in path}
        assert set(others.values()) == {1}
        polls = service.counts.polls
        await until(lambda: service.counts.polls > polls)


# ------------------------------------------------------------------------------------------------ a bus fails


async def test_while_market_redis_is_away_the_signals_are_held_and_the_feeds_go_on(
    service, feeds, stock, market, until
):
    async with service.running(*feeds("one")):
        stock.spikes(100, seconds_in_all=150)
        await until(lambda: service.counts.entries == 150)
        before = service.generations()
        await anyio.to_thread.run_sync(market.kill)
        await until(lambda: service.child(SIGNALS).state == "held")
        polls = service.counts.polls
        await until(lambda: service.counts.polls > polls + 2)
        await market.start()
        await until(lambda: service.supervisor.is_up, 10)
        stock.spikes(200, begin=150, seconds_in_all=100)
        await until(lambda: service.counts.entries == 250)
        assert service.generations() == before | {SIGNALS: 2}
    assert published(service.desk) == stock.expected() != []


async def test_while_intel_redis_is_away_all_that_needs_it_is_held_and_nothing_is_lost_or_doubled(
    service, feeds, stock, until
):
    news, desk, server = service.news, service.desk, service.intel_bus
    async with service.running(*feeds("one", "two")):
        stock.spikes(100, seconds_in_all=150)
        await until(lambda: service.counts.entries == 150 and service.counts.polls > 4)
        await anyio.to_thread.run_sync(server.kill)
        news.serve("/one", rss(item("later", "https://a.example/later"), item("all", "https://a.example/")))
        stock.spikes(200, begin=150, seconds_in_all=100)
        held = (SIGNALS, f"{FEEDS}/one", f"{FEEDS}/two")
        await until(lambda: all(service.child(path).state == "held" for path in held), 10)
        await server.start()
        await until(lambda: service.supervisor.is_up, 10)
        await until(lambda: "later" in titles(desk) and service.counts.entries >= 250)
        assert all(service.child(path).crashes == 1 for path in held)
        assert service.child(FEEDS).generation == 1
    assert Counter(titles(desk)) == {"only one": 1, "only two": 1, "all": 1, "later": 1}
    assert published(desk) == stock.expected() != []
