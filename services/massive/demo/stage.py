"""The stage of the demo: real buses, the provider, identity and heartbeat, and massive, ready to be supervised.

The order is that of `supervised_main`: bootstrap, identity, shared services; the supervisor is the fourth phase.
"""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from msgspec.structs import replace

from otp import SupervisorSpec
from otp.testing.faults import FaultSwitch, rewired
from services.massive.config import Massive
from services.massive.demo.audit import Audit
from services.massive.demo.heartbeats import HeartbeatWatch
from services.massive.identity import massive_config
from services.massive.provider import Provider, ProviderConfig, open_provider
from services.massive.shared_services import SharedServices
from services.shared import redis_clients
from services.shared.buses import ResolvedBuses, resolve_buses
from services.shared.logutil import LogUtil
from services.shared.service import Service
from services.shared.service_supervisor import ServiceSupervisor
from services.shared.supervised import set_up
from services.shared.truth import COMPONENTS, Bus, Heartbeat, build_truth, publish_truth, read_component
from trees.massive import tree

SERVICE = "massive"
KEY = "demo-key"
RATE = 2_000.0
"""Trades and quotes per second."""

SUBSCRIPTIONS = ("T.*", "Q.*", "AM.GOOG")
BEAT = Heartbeat(interval_sec=1.0, ttl_sec=3.0)

PUBLISHER_SWITCH = FaultSwitch()
"""Makes the publisher crash."""


def _buggy_tree(config: Massive, shared: SharedServices) -> SupervisorSpec:
    return rewired(tree(config, shared), "workers/redis_publisher", PUBLISHER_SWITCH)


class Stage(NamedTuple):
    """All parts, running; the supervisor is still to be run."""

    buses: ResolvedBuses
    provider: Provider
    supervisor: ServiceSupervisor[Massive, SharedServices]
    audit: Audit
    heartbeats: HeartbeatWatch


@asynccontextmanager
async def open_stage(addresses: Mapping[str, str]) -> AsyncGenerator[Stage]:
    """Set everything up, and clear it away with the block.

    Args:
        addresses: of the buses system, market and intel; `embedded`: a server of our own.

    Raises:
        ValueError: an address is wrong, or its database holds something, which the demo could spoil.
        RuntimeError: there is no server program for an embedded bus.
    """
    async with AsyncExitStack() as stack:
        buses = await stack.enter_async_context(resolve_buses(addresses, allow_embedded=True))
        for name in buses.urls.keys() - buses.embedded.keys():
            await _check_empty(name, buses.urls[name])
        provider = await stack.enter_async_context(open_provider(ProviderConfig(keys=(KEY,), rate=RATE)))
        await _publish(buses.urls, provider)

        service = Service(SERVICE, massive_config, SharedServices.make, _buggy_tree)
        supervisor = await stack.enter_async_context(set_up(service, LogUtil(SERVICE)))
        market = redis_clients.control(buses.urls["market"])
        await stack.enter_async_context(redis_clients.opened(market))
        watch = HeartbeatWatch(buses.urls["system"], f"{SERVICE}:heartbeat", BEAT.interval_sec)
        yield Stage(buses, provider, supervisor, Audit(provider, market, supervisor.config.keys), watch)


async def _check_empty(name: str, url: str) -> None:
    client = redis_clients.control(url)
    async with redis_clients.opened(client):
        if keys := await client.execute_command("DBSIZE"):
            raise ValueError(
                f"the demo writes the keys of a real service, and {name} holds {keys} keys already; "
                "give it an empty database, such as redis://127.0.0.1:6379/9"
            )


async def _publish(urls: Mapping[str, str], provider: Provider) -> None:
    """Write the truth document of the demo, and say where it is."""
    component = read_component(COMPONENTS / f"{SERVICE}.json")
    env = component.env | {"MASSIVE_WS_URL": provider.url, "MASSIVE_API_KEY": KEY}
    component = replace(component, env=env, heartbeat=BEAT, feed={"subscriptions": SUBSCRIPTIONS})
    buses = {f"{name}-redis": Bus(url=url, role=name) for name, url in urls.items()}
    client = redis_clients.control(urls["system"])
    async with redis_clients.opened(client):
        await publish_truth(client, build_truth([component], buses, node="demo"))
    os.environ["TRUTH_REDIS_URL"] = urls["system"]
    for name in ("MASSIVE_WS_URL", "MASSIVE_API_KEY"):  # they would win over the document
        os.environ.pop(name, None)
