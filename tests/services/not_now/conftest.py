"""One server for each test, as troubles change its settings, and a go-between before it."""

from contextlib import asynccontextmanager

import pytest
import redis

from services.shared.embedded import open_embedded_buses
from tests.services.not_now.rigs import RIGS
from tests.services.not_now.valkey_proxy import open_go_between


@pytest.fixture
async def bus():
    async with open_embedded_buses(["bus"]) as buses:
        yield buses["bus"]


@pytest.fixture
def raw(bus):
    with redis.Redis.from_url(bus.url) as client:
        yield client


@pytest.fixture
async def between(bus):
    async with open_go_between(bus.url, f"{bus.url.removeprefix('unix://')}.b") as between:
        yield between


@pytest.fixture
def serving(between, raw, until):
    """Run a service behind the go-between for the block."""

    @asynccontextmanager
    async def run(name):
        rig = RIGS[name](between.url, raw, until)
        async with rig.open(), rig.running():
            yield rig

    return run
