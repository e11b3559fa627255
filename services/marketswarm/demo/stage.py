"""The stage: real buses, the provider, a newspaper, the identities, and the four services ready to be supervised."""

import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from otp import SupervisorSpec
from otp.observe.observation import Observation, open_observation
from otp.testing.faults import FaultSwitch, rewired
from services.marketswarm.config import SERVICES
from services.marketswarm.demo.newspaper import Newspaper, open_newspaper
from services.marketswarm.supervisor import MarketSwarmSupervisor
from services.massive.provider import Provider, ProviderConfig, open_provider
from services.shared import redis_clients
from services.shared.buses import ResolvedBuses, resolve_buses
from services.shared.heartbeat import start_heartbeat
from services.shared.logutil import LogUtil
from services.shared.redis_address import EMBEDDED
from services.shared.runtime_folder import runtime_folder
from services.shared.setup_base import SetupBase
from services.shared.truth import COMPONENTS, Bus, Component, Heartbeat, build_truth, publish_truth, read_component

__all__ = ("BUGGY", "KEY", "RATE", "Stage", "open_stage", "publish_identities")

KEY = "demo-key"
RATE = 500.0
"""Trades and quotes per second."""

BUGGY = "sentiment/workers/scorer"
"""The worker that can be made to fail."""

HEALTHY_AFTER = 1.0
"""Seconds up after which an incident is over; in a service it is a minute."""

SETTINGS: dict[str, dict[str, object]] = {
    "massive": {"feed": {"subscriptions": ("T.*", "Q.*")}},
    "intel": {"thresholds": {"sample": 0.5, "memory": 20, "minimum": 5, "score": 5.0, "cool_down": 1.0}},
    "sentiment": {},
    "execution": {"thresholds": {"signal_age": 60.0}},
}
"""Blocks of the components, for a market that has a minute instead of a day."""


class DemoSupervisor(MarketSwarmSupervisor):
    """All services, with a switch around one worker."""

    switch = FaultSwitch()

    def spec(self) -> SupervisorSpec:
        """The tree, one worker of which can be made to fail."""
        return rewired(super().spec(), BUGGY, self.switch)


class Stage(NamedTuple):
    """All parts, running; the supervisor is still to be run."""

    buses: ResolvedBuses
    provider: Provider
    newspaper: Newspaper
    supervisor: DemoSupervisor
    seen: Observation
    logger: LogUtil


@asynccontextmanager
async def open_stage() -> AsyncGenerator[Stage]:
    """Set everything up, and clear it away with the block.

    Raises:
        RuntimeError: there is no server program for an embedded bus, or no place for its socket.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(runtime_folder("otp-demo-", len("broker.sock")))
        buses = await stack.enter_async_context(
            resolve_buses(dict.fromkeys(("system", "market", "intel"), EMBEDDED), allow_embedded=True)
        )
        provider = await stack.enter_async_context(open_provider(ProviderConfig(keys=(KEY,), rate=RATE)))
        newspaper = await stack.enter_async_context(open_newspaper())
        await publish_identities(buses.urls, provider.url, newspaper.url, folder / "broker.sock")

        logger = LogUtil(DemoSupervisor.service)
        config = {name: await SetupBase(name, logger).load() for name in SERVICES}
        supervisor = DemoSupervisor(config=config, logger=logger)
        for name in SERVICES:
            beat = partial(supervisor.heartbeat_of, name)
            stack.callback(start_heartbeat(name, config[name], logger, beat).set)

        system = redis_clients.control(buses.urls["system"])
        await stack.enter_async_context(redis_clients.opened(system))
        seen = await stack.enter_async_context(
            open_observation("marketswarm", redis=system, healthy_after=HEALTHY_AFTER)
        )
        yield Stage(buses, provider, newspaper, supervisor, seen, logger)


async def publish_identities(urls: dict[str, str], feed: str, paper: str, broker: Path) -> None:
    """Write the truth document of the demo, and say where it is."""
    env = {
        "massive": {"MASSIVE_WS_URL": feed, "MASSIVE_API_KEY": KEY},
        "execution": {"EXECUTION_BROKER_SOCKET": str(broker), "EXECUTION_BROKER": "embedded"},
    }
    news = {"feeds": [{"id": "gazette", "url": paper, "every": 0.5}], "names": {"Apple": "AAPL", "Nvidia": "NVDA"}}
    settings: dict[str, dict[str, object]] = {**SETTINGS, "intel": {**SETTINGS["intel"], "workers": news}}
    components = [_component(name, env.get(name, {}), settings[name]) for name in SERVICES]
    buses = {f"{name}-redis": Bus(url=url, role=name) for name, url in urls.items()}
    client = redis_clients.control(urls["system"])
    async with redis_clients.opened(client):
        await publish_truth(client, build_truth(components, buses, node="demo"))
    os.environ["TRUTH_REDIS_URL"] = urls["system"]
    for names in env.values():
        for name in names:  # they would win over the document
            os.environ.pop(name, None)


def _component(name: str, env: dict[str, str], blocks: dict[str, object]) -> Component:
    component = read_component(COMPONENTS / f"{name}.json")
    beat = Heartbeat(interval_sec=1.0, ttl_sec=3.0)
    return replace(component, env=component.env | env, heartbeat=beat, **blocks)
