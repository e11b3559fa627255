"""Services are asyncio; they run here on its default loop, in real time, on real sockets and real Valkey servers."""

import time

import anyio
import pytest
import redis
from anyio.from_thread import start_blocking_portal

from services.massive.config import Buses, Feed, Massive
from services.shared.embedded import open_embedded_buses


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def market_server():
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(open_embedded_buses(["market"])) as buses,
    ):
        yield buses["market"]


@pytest.fixture
def market(market_server):
    """A running, empty market-redis."""
    if market_server.pid is None:
        anyio.run(market_server.start)
    with redis.Redis.from_url(market_server.url) as client:
        client.flushall()
    return market_server


@pytest.fixture
def raw(market):
    """A plain synchronous client of market-redis, to look with."""
    with redis.Redis.from_url(market.url) as client:
        yield client


@pytest.fixture
def massive(market):
    """The configuration of a massive whose three buses are that one server."""
    buses = Buses(system=market.url, market=market.url, intel=market.url)
    return Massive(feed=Feed(url="ws://127.0.0.1:1", api_key="k"), buses=buses)


@pytest.fixture
def until():
    """Wait for a condition, five seconds at most."""

    async def wait(condition, within=5.0):
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"not within {within} s: {condition}"
            await anyio.sleep(0.005)

    return wait
