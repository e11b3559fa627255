"""`main` and `supervised_main` as processes, and the tree in this one: real servers, real articles."""

import re
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from otp import open_supervisor
from otp.events import ChildHeld, ChildStarted
from otp.testing import EventRecorder
from services.sentiment.shared_services import SharedServices
from services.shared import redis_clients
from services.shared.truth import (
    COMPONENTS,
    AccessPoint,
    AccessPoints,
    Bus,
    Component,
    Meta,
    build_truth,
    publish_truth,
    read_component,
)
from tests.services import program
from trees.sentiment import tree

ROOT = Path(__file__).parents[3]
BUSES = ("system-redis", "market-redis", "intel-redis")
SCORER = "sentiment/workers/scorer"
ORCHESTRATOR = "sentiment/orchestrator"

INTEL = Component(
    id="intel",
    meta=Meta(name="Intel"),
    access_points=AccessPoints(publish_to=(AccessPoint(bus="intel-redis", key="intel:articles"),)),
)
"""Where the articles come from, as far as the truth document wants to know it here."""


# ------------------------------------------------------------------------------------------------ the tree


class Service:
    """The tree in this process, and what was seen of it."""

    def __init__(self, config, until):
        self.config = config
        self.events = EventRecorder()
        self.shared = SharedServices.make(config)
        self.tree = None
        self._until = until

    @asynccontextmanager
    async def running(self):
        async with open_supervisor(tree(self.config, self.shared), hooks=[self.events]) as self.tree:
            yield
        await self.shared.aclose()

    async def scored(self, articles):
        await self._until(lambda: self.shared.tally.scored >= articles)

    def generations(self):
        return {child.path: child.generation for child in self.tree.walk()}


@pytest.fixture
def service(sentiment, until):
    return Service(sentiment, until)


async def test_a_restart_of_the_orchestrator_touches_nobody_else(service, intel):
    async with service.running():
        before = service.generations()
        await service.tree.restart("orchestrator")
        intel.publish("Great profit", ["A"])
        await service.scored(1)
        assert service.generations() == before | {ORCHESTRATOR: 2}


async def test_while_intel_redis_is_away_the_scorer_is_held_and_goes_on_when_it_is_back(service, intel, market, raw):
    async with service.running():
        intel.publish("Great profit", ["A"])
        await service.scored(1)
        market.kill()
        with anyio.fail_after(5):
            await service.events.wait_for(ChildHeld, SCORER)
        await market.start()
        with anyio.fail_after(10):
            await service.events.wait_for(ChildStarted, SCORER, count=2)
        intel.publish("Great profit", ["A"])
        await service.scored(2)
        assert service.tree.child("orchestrator").generation == 1
    assert intel.symbol("A")["weight"] == 2


async def test_a_stream_that_somebody_deletes_costs_one_restart_and_is_made_again(service, intel, raw):
    async with service.running():
        intel.publish("Great profit", ["A"])
        await service.scored(1)
        raw.delete("intel:articles")
        with anyio.fail_after(5):
            await service.events.wait_for(ChildStarted, SCORER, count=2)
        intel.publish("Great profit", ["A"])
        await service.scored(2)


# ------------------------------------------------------------------------------------------------ the mains


@asynccontextmanager
async def running(name, market, **environment):
    variables = {"TRUTH_REDIS_URL": market.url} | environment
    async with program.running(f"services.sentiment.{name}", **variables) as main:
        yield main


@pytest.fixture
def identify(market):
    """Publish the truth document; a test may leave buses out."""

    async def publish(buses=BUSES):
        client = redis_clients.control(market.url)
        async with redis_clients.opened(client):
            components = [INTEL, read_component(COMPONENTS / "sentiment.json")]
            truth = build_truth(components, dict.fromkeys(BUSES, Bus(url=market.url)))
            for missing in set(BUSES) - set(buses):
                del truth.buses[missing]
            await publish_truth(client, truth)

    return publish


@pytest.fixture
async def identified(identify):
    await identify()


@pytest.mark.parametrize("name", ["main", "supervised_main"])
@pytest.mark.usefixtures("identified")
async def test_articles_are_scored_and_the_heart_beats(name, intel, raw, market, until):
    async with running(name, market) as main:
        intel.publish("Great profit", ["A"])
        await until(lambda: intel.scores() and raw.exists("sentiment:heartbeat"), 15)
        main.signal(signal.SIGINT)
        await main.ended()
    assert intel.symbol("A")["score"] > 0


async def test_an_error_of_the_worker_ends_main_as_a_whole(identify, intel, raw, market, until):
    await identify()
    async with running("main", market) as main:
        intel.publish("Great profit", ["A"])
        await until(intel.scores, 15)
        raw.delete("intel:articles")
        assert await main.ended() == 1
    assert "NOGROUP" in main.output or "no such key" in main.output


async def test_and_supervised_main_lives_on_with_one_new_worker(identify, intel, raw, market, until):
    await identify()
    async with running("supervised_main", market) as main:
        intel.publish("Great profit", ["A"])
        await until(intel.scores, 15)
        raw.delete("intel:articles")
        await until(lambda: "scorer  up again" in main.output)
        intel.publish("Great profit", ["A"])
        await until(lambda: len(intel.scores()) == 2)
        main.signal(signal.SIGTERM)
        assert await main.ended() == 0
    assert len(main.lines) == 3  # the identity, the restart, up again


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_supervised_main_in_order_with_exit_code_0(identify, intel, market, until, number):
    await identify()
    async with running("supervised_main", market, LOG_LEVEL="DEBUG") as main:
        intel.publish("Great profit", ["A"])
        await until(intel.scores, 15)
        main.signal(number)
        assert await main.ended() == 0
    stopped = [line.split()[1].rpartition("/")[2] for line in main.lines if line.endswith("  stopped")]
    assert stopped == ["scorer", "workers", "orchestrator"]
    assert not re.search("Traceback|WARNING|ERROR|CRITICAL", main.output)


@pytest.mark.parametrize("name", ["main", "supervised_main"])
async def test_without_a_truth_document_one_line_says_what_to_do_and_the_exit_code_is_78(market, name):
    async with running(name, market) as main:
        assert await main.ended() == 78
    assert "no truth document: looked for the key 'truth' on unix://" in main.lines[-1]


async def test_a_wrong_configuration_is_one_line_and_exit_code_78(identify, market):
    await identify(buses=("system-redis", "market-redis"))
    async with running("supervised_main", market) as main:
        assert await main.ended() == 78
    assert "the bus 'intel-redis' needs the address of a running server, and has none" in main.lines[-1]
