"""The provider, and the means to wait for things without sleeping for a guess."""

import time

import anyio
import pytest

from services.massive.provider import ProviderConfig, open_provider


@pytest.fixture
def until():
    """Wait for a condition, at most some seconds."""

    async def wait(condition, seconds=5.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await anyio.sleep(0.002)

    return wait


@pytest.fixture
async def provider():
    """A provider at a rate that no test notices."""
    async with open_provider(ProviderConfig(rate=2_000, bar_rate=20)) as running:
        yield running
