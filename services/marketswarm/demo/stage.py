"""The stage: real buses, the provider, a newspaper, the identities, and the four services ready to be supervised."""

import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from otp import SupervisorSpec
from otp.observe.observation import Observation, open_observation
from otp.testing.faults import FaultSwitch, rewired
from services.marketswarm.config import SERVICES, MarketSwarm, marketswarm_config
from services.marketswarm.demo.newspaper import Newspaper, open_newspaper
from services.marketswarm.shared_services import SharedServices
from services.massive.provider import Provider, ProviderConfig, open_provider
from services.shared import redis_clients
from services.shared.buses import ResolvedBuses, resolve_buses
from services.shared.logutil import LogUtil
from services.shared.redis_address import EMBEDDED
from services.shared.runtime_folder import runtime_folder
from services.shared.service import Service
from services.shared.service_supervisor import ServiceSupervisor
from services.shared.supervised import set_up
from services.shared.truth import COMPONENTS, Bus, Component, Heartbeat, build_truth, publish_truth, read_component
from trees.marketswarm import tree

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


SWITCH = FaultSwitch()
"""Makes that worker fail."""


def _buggy_tree(config: MarketSwarm, shared: SharedServices) -> SupervisorSpec:
    return rewired(tree(config, shared), BUGGY, SWITCH)


class Stage(NamedTuple):
    """All parts, running; the supervisor is still to be run."""

    buses: ResolvedBuses
    provider: Provider
    newspaper: Newspaper
    supervisor: ServiceSupervisor[MarketSwarm, SharedServices]
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

        service = Service("marketswarm", marketswarm_config, SharedServices.make, _buggy_tree, parts=SERVICES)
        logger = LogUtil(service.name)
        supervisor = await stack.enter_async_context(set_up(service, logger))
        system = redis_clients.control(buses.urls["system"])
        await stack.enter_async_context(redis_clients.opened(system))
        seen = await stack.enter_async_context(
            open_observation(service.name, redis=system, healthy_after=HEALTHY_AFTER)
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
