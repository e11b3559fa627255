"""Massive as `supervised_main` runs it, in this process, and what was seen of it."""

from contextlib import asynccontextmanager

import anyio
from msgspec import structs

from otp.testing import EventRecorder
from services.massive.demo.audit import Audit
from services.massive.supervised_main import SERVICE
from services.shared import redis_clients
from services.shared.supervised import supervised_main
from services.shared.truth import COMPONENTS, Bus, Heartbeat, build_truth, publish_truth, read_component

FEED = "massive/workers/ws_worker"
WORKERS = tuple(f"massive/workers/{id}" for id in ("redis_publisher", "redis_consumer", "subscriptions", "ws_worker"))
BEAT = Heartbeat(interval_sec=0.25, ttl_sec=0.75)
FRAME_LIMIT = 20_000
MANY = 300


class Service:
    """The service as `supervised_main` runs it, and what was seen of it."""

    def __init__(self, provider, market, client, until):
        self.provider = provider
        self.market = market
        self.events = EventRecorder()
        self.supervisor = None
        self.code = None
        self._client = client
        self._until = until

    async def identify(self, system):
        """Publish the truth document."""
        component = structs.replace(
            read_component(COMPONENTS / "massive.json"),
            env={"MASSIVE_WS_URL": self.provider.url, "MASSIVE_API_KEY": "demo-key"},
            heartbeat=BEAT,
            feed={"subscriptions": ["T.*", "Q.*"], "frame_limit": FRAME_LIMIT},
        )
        market = Bus(url=self.market.url)
        buses = {"system-redis": Bus(url=system.url), "market-redis": market, "intel-redis": market}
        client = redis_clients.control(system.url)
        async with redis_clients.opened(client):
            await publish_truth(client, build_truth([component], buses))

    @asynccontextmanager
    async def running(self):
        """Run it until all is up, and stop it in order with the block."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.run)
            await self.comes_up()
            yield
            self.supervisor.stop()
        assert self.code == 0

    async def comes_up(self):
        """Wait until all is up."""
        await self._until(lambda: self.supervisor is not None and self.supervisor.is_up)

    async def run(self):
        """Run it to its end."""
        self.code = await supervised_main(SERVICE)

    @property
    def tree(self):
        return self.supervisor.handle

    @property
    def counts(self):
        return self.supervisor.shared.pipeline.counts

    def children(self):
        return {child.path: child for child in self.tree.walk()}

    def generations(self):
        return {path: child.generation for path, child in self.children().items()}

    async def flows(self, events=1):
        """Wait until all is up, and the provider's newest connection has carried so many events, some to the bus."""
        await self._until(lambda: self.supervisor.is_up)
        seen = self.counts.events_out
        await self._until(lambda: self.counts.events_out > seen and self.carried() >= events)

    def carried(self):
        """Events that the provider has sent over its newest connection."""
        return sum(tally.count for tally in self.provider.sent[-1].channels.values())

    async def books(self):
        """What the provider sent against what is on the bus."""
        return await Audit(self.provider, self._client, self.supervisor.config.keys).balance()
