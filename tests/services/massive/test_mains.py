"""`main` and `supervised_main` as processes: how they end, what they say, what they never say."""

import re
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.massive.provider import ProviderConfig, open_provider
from services.shared import redis_clients
from services.shared.truth import COMPONENTS, Bus, build_truth, publish_truth, read_component
from tests.services import program

ROOT = Path(__file__).parents[3]
CANARY = "canary-key-4711"
BUSES = ("system-redis", "market-redis", "intel-redis")


@asynccontextmanager
async def running(name, market, **environment):
    variables = {"TRUTH_REDIS_URL": market.url} | environment
    async with program.running(f"services.massive.{name}", **variables) as main:
        yield main
    assert CANARY not in main.output


@pytest.fixture
async def provider():
    async with open_provider(ProviderConfig(keys=(CANARY,))) as provider:
        yield provider


@pytest.fixture
def identify(market, provider, raw):
    """Publish the truth document, with changes to the component's `env` or to the buses, and a subscription list."""

    async def publish(*, buses=BUSES, **env):
        component = read_component(COMPONENTS / "massive.json")
        component.env.update({"MASSIVE_WS_URL": provider.url, "MASSIVE_API_KEY": CANARY} | env)
        raw.sadd("massive:ws:subscription_list", "T.*", "Q.*")
        client = redis_clients.control(market.url)
        async with redis_clients.opened(client):
            truth = build_truth([component], dict.fromkeys(BUSES, Bus(url=market.url)))
            for missing in set(BUSES) - set(buses):
                del truth.buses[missing]
            await publish_truth(client, truth)

    return publish


@pytest.fixture
def fed(raw, until):
    """Wait until more events are on the bus than now."""

    async def wait():
        already = raw.xlen("massive:ws:stream")
        await until(lambda: raw.xlen("massive:ws:stream") > already, 15)

    return wait


# ------------------------------------------------------------------------------------------------ before and after


async def test_a_service_restart_of_the_provider_ends_main_as_a_whole(identify, market, provider, fed):
    await identify()
    async with running("main", market) as main:
        await fed()
        await provider.close_all(1012, "service restart")
        assert await main.ended() == 1
    assert "1012 service restart" in main.output


async def test_and_supervised_main_lives_on_with_one_new_worker(identify, market, provider, fed, until):
    await identify(LOG_LEVEL="INFO")
    async with running("supervised_main", market) as main:
        await fed()
        await provider.close_all(1012, "service restart")
        await until(lambda: "ws_worker  up again" in main.output)
        await fed()
        main.signal(signal.SIGTERM)
        assert await main.ended() == 0
    assert len(main.lines) == 3  # the identity, the restart, up again


# ------------------------------------------------------------------------------------------------ the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_supervised_main_in_order_with_exit_code_0(identify, market, provider, fed, number):
    await identify(LOG_LEVEL="DEBUG")
    async with running("supervised_main", market) as main:
        await fed()
        main.signal(number)
        assert await main.ended() == 0
    stopped = [line.split()[1].rpartition("/")[2] for line in main.lines if line.endswith("  stopped")]
    workers = ["ws_worker", "subscriptions", "redis_consumer", "redis_publisher"]
    assert stopped == [*workers, "workers", "orchestrator"]
    assert provider.sent[0].closed == 1000
    assert not re.search("Traceback|WARNING|ERROR|CRITICAL", main.output)


async def test_a_key_that_never_worked_ends_supervised_main_with_exit_code_78_and_is_in_no_line(
    identify, market, provider
):
    await identify()
    provider.refuse_keys()
    async with running("supervised_main", market) as main:
        assert await main.ended() == 78
    assert "AuthFailed" in main.output
    assert main.lines[-1].endswith("massive/workers/ws_worker failed for good: config_error")
    assert "Traceback" not in main.output


async def test_a_key_that_is_revoked_later_ends_nothing_and_is_in_no_line(identify, market, provider, fed, until):
    await identify()
    async with running("supervised_main", market) as main:
        await fed()
        provider.refuse_keys()
        await provider.close_all(1012, "service restart")
        await until(lambda: "access_refused" in main.output)
        main.signal(signal.SIGTERM)
        assert await main.ended() == 0


async def test_a_subscription_that_the_provider_refuses_is_a_line_and_a_count_on_the_bus(
    identify, market, fed, raw, until
):
    config = ProviderConfig(keys=(CANARY,), withheld=frozenset({"Q"}))
    async with open_provider(config) as provider:
        await identify(MASSIVE_WS_URL=provider.url)
        async with running("supervised_main", market) as main:
            await fed()
            await until(lambda: "the provider refuses a subscription: not authorized (1 of them)" in main.output)
            await until(lambda: raw.hget("massive:ws:analytics", "refused_subscriptions") == b"1")


async def test_an_address_of_the_feed_that_cannot_be_one_is_one_line_and_exit_code_78(identify, market):
    await identify(MASSIVE_WS_URL="http://socket.example")
    async with running("supervised_main", market) as main:
        assert await main.ended() == 78
    assert "has to begin with ws:// or wss:// and name a host" in only_complaint(main)


# ------------------------------------------------------------------------------------------------ no identity


def only_complaint(main):
    """The one line of an ending that is nobody's bug."""
    *_, last = main.lines
    assert "[CRITICAL]" in last
    assert not re.search("Traceback|WARNING|ERROR|CRITICAL", "\n".join(main.lines[:-1]))
    return last


@pytest.mark.parametrize("name", ["main", "supervised_main"])
async def test_without_a_truth_document_one_line_says_what_to_do_and_the_exit_code_is_78(market, name):
    async with running(name, market) as main:
        assert await main.ended() == 78
    assert "no truth document: looked for the key 'truth' on unix://" in only_complaint(main)


async def test_a_wrong_configuration_is_one_line_and_exit_code_78_and_no_child_is_started(identify, market, provider):
    await identify(MASSIVE_API_KEY="")
    async with running("supervised_main", market, LOG_LEVEL="DEBUG") as main:
        assert await main.ended() == 78
    assert "massive needs MASSIVE_API_KEY" in only_complaint(main)
    await identify(buses=("system-redis", "intel-redis"))
    async with running("supervised_main", market) as main:
        assert await main.ended() == 78
    assert "the bus 'market-redis' needs the address of a running server, and has none" in only_complaint(main)
    assert not provider.sent


async def test_a_truth_redis_that_does_not_answer_is_one_line_and_exit_code_70(market):
    async with running("supervised_main", market, TRUTH_REDIS_URL="unix:///nowhere/system.sock") as main:
        assert await main.ended() == 70
    assert "/nowhere/system.sock" in only_complaint(main)
