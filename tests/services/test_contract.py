"""The operating contract, line by line, on every service: real servers, real sockets, the real tree."""

from contextlib import asynccontextmanager

import anyio
import pytest

from otp.testing import contract_suite
from services.execution.config import Broker, Execution
from services.execution.supervised_main import SERVICE as EXECUTION
from services.intel.config import Feed as NewsFeed
from services.intel.config import Intel, News
from services.intel.supervised_main import SERVICE as INTEL
from services.marketswarm.demo.newspaper import open_newspaper
from services.massive.config import Feed, Massive
from services.massive.provider import ProviderConfig, open_provider
from services.massive.supervised_main import SERVICE as MASSIVE
from services.sentiment.config import Sentiment
from services.sentiment.supervised_main import SERVICE as SENTIMENT
from services.shared.embedded import open_embedded_buses
from services.shared.identity import Buses
from services.shared.logutil import LogUtil
from services.shared.runtime_folder import runtime_folder


@asynccontextmanager
async def one_bus():
    """All three buses on one server of our own."""
    async with open_embedded_buses(["market"]) as buses:
        url = buses["market"].url
        yield Buses(system=url, market=url, intel=url)


@asynccontextmanager
async def tree_of(service, config):
    """The tree of a service, with shared services of its own."""
    shared = service.shared(config, LogUtil(service.name))
    try:
        yield service.tree(config, shared)
    finally:
        await shared.aclose()


@asynccontextmanager
async def massive():
    async with one_bus() as buses, open_provider(ProviderConfig(rate=200)) as provider:
        feed = Feed(url=provider.url, api_key="demo-key", subscriptions=("T.*",))
        async with tree_of(MASSIVE, Massive(feed=feed, buses=buses)) as spec:
            yield spec


@asynccontextmanager
async def intel():
    async with one_bus() as buses, open_newspaper() as paper:
        news = News(feeds=(NewsFeed(id="gazette", url=paper.url, every=0.2),))
        async with tree_of(INTEL, Intel(buses=buses, news=news)) as spec:
            yield spec


@asynccontextmanager
async def sentiment():
    async with one_bus() as buses, tree_of(SENTIMENT, Sentiment(buses=buses)) as spec:
        yield spec


@asynccontextmanager
async def execution():
    with runtime_folder("contract-", len("broker.sock")) as folder:
        async with one_bus() as buses:
            config = Execution(buses=buses, broker=Broker(socket=str(folder / "broker.sock")))
            async with tree_of(EXECUTION, config) as spec:
                yield spec


SERVICES = {
    massive: (
        "orchestrator",
        "workers/redis_publisher",
        "workers/redis_consumer",
        "workers/subscriptions",
        "workers/ws_worker",
    ),
    intel: ("orchestrator", "workers/signals", "workers/feeds/gazette"),
    sentiment: ("orchestrator", "workers/scorer"),
    # Not the broker: it stands in for one outside, and whoever talks to it notices its end, as is right.
    execution: ("orchestrator", "workers/decider", "workers/submitter", "workers/fill_recorder"),
}
LINES = [
    pytest.param(check, id=f"{service.__name__}: {check}")
    for service, workers in SERVICES.items()
    for check in contract_suite(service, workers)
]


@pytest.mark.parametrize("check", LINES)
async def test_a_service_keeps_the_contract(check):
    with anyio.fail_after(40):
        await check()
