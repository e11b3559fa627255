"""`main`, `supervised_main` and the broker as processes: real signals, real deaths, one truth document."""

import signal
from collections import Counter
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from services.shared import redis_clients
from services.shared.truth import (
    COMPONENTS,
    AccessPoint,
    AccessPoints,
    Bus,
    Component,
    Meta,
    build_truth,
    publish_truth,
    read_component,
)
from tests.services.execution.random_kills import audit
from tests.services.program import running

ROOT = Path(__file__).parents[3]
BUSES = ("system-redis", "market-redis", "intel-redis")


@pytest.fixture
def service(market, socket):
    """Run one of the mains."""
    env = {"TRUTH_REDIS_URL": market.url, "EXECUTION_BROKER_SOCKET": socket}

    def run(name, **environment):
        return running(f"services.execution.{name}", **{**env, **environment})

    return run


@pytest.fixture
def paper(market, socket):
    """Run the broker apart."""
    return lambda: running(
        "services.execution.broker", "--socket", socket, "--intel", market.url, "--market", market.url
    )


@pytest.fixture
async def identity(market, raw):
    """A truth document with execution and somebody who publishes what it reads, and prices."""
    component = read_component(COMPONENTS / "execution.json")
    component = replace(component, thresholds={"orders_per_minute": 100_000, "max_position": 100_000})
    others = Component(
        id="others",
        meta=Meta(name="others"),
        access_points=AccessPoints(
            publish_to=tuple(
                AccessPoint(bus=point.bus, key=point.key) for point in component.access_points.subscribe_to
            )
        ),
    )
    raw.hset("massive:model:spot:GOOG", mapping={"price": "100.5", "t": "1", "q": "1"})
    client = redis_clients.control(market.url)
    async with redis_clients.opened(client):
        await publish_truth(client, build_truth([component, others], dict.fromkeys(BUSES, Bus(url=market.url))))


@pytest.mark.parametrize("name", ["main", "supervised_main"])
@pytest.mark.usefixtures("identity")
async def test_a_main_trades_and_ends_with_a_signal(service, send, look, name):
    async with service(name) as main:
        send("s1")
        await look.until(lambda: len(look.fills) == 1, within=15)
        assert look.fills[0]["price"] == 100.5
        assert look.positions == {"GOOG": 100}
        await look.until(lambda: look.raw.exists("execution:heartbeat"))
        main.signal(signal.SIGTERM)
        assert await main.ended() == 0


@pytest.mark.usefixtures("identity")
async def test_supervised_main_is_killed_again_and_again_and_no_order_is_lost_or_doubled(service, send, look):
    sent = Counter()
    for life in range(4):
        async with service("supervised_main") as main:
            for n in range(50):
                send(f"{life}-{n}")
                sent[f"{life}-{n}"] += 1
            await look.until(lambda life=life: len(look.fills) > life * 40, within=15)
            if life < 3:
                main.signal(signal.SIGKILL)
                assert await main.ended() == -signal.SIGKILL
            else:
                await look.until(lambda: len(look.fills) == 200, within=15)
    audit(look.raw, sent, Counter(), slices=1)


@pytest.mark.usefixtures("identity")
async def test_a_broker_apart_that_is_killed_holds_its_customers_and_nobody_else(service, paper, send, look):
    sent = Counter()
    async with service("supervised_main", EXECUTION_BROKER="apart", LOG_LEVEL="INFO") as main:
        for visit in range(2):
            send(f"away-{visit}")  # decided while the broker is away
            sent[f"away-{visit}"] += 1
            await look.until(lambda: len(look.orders) == len(sent), within=15)
            await look.until(
                lambda visit=visit: main.output.count("submitter  is held until broker") > visit, within=15
            )
            async with paper() as broker:
                send(f"there-{visit}")
                sent[f"there-{visit}"] += 1
                await look.until(lambda: len(look.fills) == len(sent), within=20)
                broker.signal(signal.SIGKILL)
                assert await broker.ended() == -signal.SIGKILL
        main.signal(signal.SIGTERM)
        assert await main.ended() == 0
    audit(look.raw, sent, Counter(), slices=1)
    assert len(main.output.splitlines()) < 60  # no hot loop against a broker that is away


async def test_without_a_socket_for_the_broker_one_line_says_so_and_the_exit_code_is_78(service, identity):
    async with service("supervised_main", EXECUTION_BROKER_SOCKET="") as main:
        assert await main.ended() == 78
    assert "execution needs EXECUTION_BROKER_SOCKET" in main.output.splitlines()[-1]
    assert "Traceback" not in main.output


async def test_without_a_truth_document_the_exit_code_is_78(service):
    for name in ("main", "supervised_main"):
        async with service(name) as main:
            assert await main.ended() == 78
        assert "no truth document" in main.output


async def test_the_broker_apart_ends_with_a_signal_and_refuses_addresses_that_are_none(paper, market):
    async with paper() as broker:
        with anyio.fail_after(10):
            while "broker.sock" not in broker.output:
                await anyio.sleep(0.01)
        broker.signal(signal.SIGTERM)
        assert await broker.ended() == 0
    async with running(
        "services.execution.broker", "--socket", "/x", "--intel", "http://h", "--market", market.url
    ) as bad:
        assert await bad.ended() == 2
    assert "begins with redis://" in bad.output
