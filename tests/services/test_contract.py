"""The operating contract, line by line, on every service: real servers, real sockets, the real tree."""

from contextlib import asynccontextmanager

import anyio
import pytest

from otp.testing import contract_suite
from services.massive.config import Feed, Massive
from services.massive.provider import ProviderConfig, open_provider
from services.massive.supervisor import MassiveSupervisor
from services.shared.embedded import open_embedded_buses
from services.shared.identity import Buses
from services.shared.logutil import LogUtil


@asynccontextmanager
async def one_bus():
    """All three buses on one server of our own."""
    async with open_embedded_buses(["market"]) as buses:
        url = buses["market"].url
        yield Buses(system=url, market=url, intel=url)


@asynccontextmanager
async def lent(kind, config):
    """The tree of a service, with what its workers are lent."""
    shared = kind.make_shared(config, LogUtil(kind.service))
    try:
        yield kind.tree_of(config, shared)
    finally:
        await shared.aclose()


@asynccontextmanager
async def massive():
    async with one_bus() as buses, open_provider(ProviderConfig(rate=200)) as provider:
        feed = Feed(url=provider.url, api_key="demo-key", subscriptions=("T.*",))
        async with lent(MassiveSupervisor, Massive(feed=feed, buses=buses)) as spec:
            yield spec


SERVICES = {
    massive: (
        "orchestrator",
        "workers/redis_publisher",
        "workers/redis_consumer",
        "workers/subscriptions",
        "workers/ws_worker",
    ),
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
