"""The provider, and the means to wait for things without sleeping for a guess."""

import time
from contextlib import contextmanager

import anyio
import pytest

from services.massive.provider import ProviderConfig, open_provider
from services.shared import redis_clients, supervised
from services.shared.service_supervisor import ServiceSupervisor
from tests.services.massive.running_massive import Service


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


@pytest.fixture
def unheard():
    """Let a provider not read what is sent to it, such as a close, until the block ends; it goes on sending."""

    @contextmanager
    def deaf(provider):
        transports = [session._link.transport for session in provider._open]
        for transport in transports:
            transport.pause_reading()
        yield
        for transport in transports:
            transport.resume_reading()

    return deaf


@pytest.fixture
async def service(market, provider, until, monkeypatch):
    """The service with its identity on the shared server; a test may give it another one before it runs."""
    client = redis_clients.control(market.url)
    service = Service(provider, market, client, until)

    class Watched(ServiceSupervisor):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            service.supervisor = self

        async def run(self, hooks=(), **options):
            return await super().run((*hooks, service.events), **options)

    monkeypatch.setattr(supervised, "ServiceSupervisor", Watched)
    monkeypatch.setenv("TRUTH_REDIS_URL", market.url)
    for name in ("TRUTH_REDIS_KEY", "MASSIVE_WS_URL", "MASSIVE_API_KEY", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    async with redis_clients.opened(client):
        await service.identify(market)
        yield service
