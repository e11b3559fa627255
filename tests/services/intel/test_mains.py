"""`main` and `supervised_main` as processes: how they end, what they say, what they never say."""

import re
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs

from services.shared import redis_clients
from services.shared.truth import COMPONENTS, Bus, build_truth, publish_truth, read_component
from tests.services import program

from .conftest import item, rss

ROOT = Path(__file__).parents[3]
CANARY = "canary-key-4711"


@asynccontextmanager
async def running(name, system, **environment):
    variables = {"TRUTH_REDIS_URL": system.url} | environment
    async with program.running(f"services.intel.{name}", **variables) as main:
        yield main
    assert CANARY not in main.output


@pytest.fixture
def identify(buses, market, news):
    """Publish the truth document, with one feed whose address holds a key, and changes to the component's blocks."""

    async def publish(**blocks):
        feed = {"id": "wire", "url": news.url(f"/feed?key={CANARY}"), "every": 0.05}
        component = structs.replace(read_component(COMPONENTS / "intel.json"), workers={"feeds": [feed]})
        component = structs.replace(component, **blocks)
        urls = {f"{role}-redis": Bus(url=getattr(buses, role)) for role in ("system", "market", "intel")}
        client = redis_clients.control(market.url)
        async with redis_clients.opened(client):
            await publish_truth(client, build_truth([read_component(COMPONENTS / "massive.json"), component], urls))

    return publish


@pytest.fixture
def served(news, desk, until):
    """Serve a feed, and wait until its article is on the bus and it was asked again."""
    news.serve(f"/feed?key={CANARY}", rss(item("news", "https://a.example/x")))

    async def wait():
        await until(lambda: desk.xlen("intel:articles") == 1, 15)
        asked = len(news.asked[f"/feed?key={CANARY}"])
        await until(lambda: len(news.asked[f"/feed?key={CANARY}"]) > asked + 1, 15)

    return wait


# ------------------------------------------------------------------------------------------------ the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_supervised_main_in_order_with_exit_code_0(identify, market, served, raw, number):
    await identify()
    async with running("supervised_main", market, LOG_LEVEL="DEBUG") as main:
        await served()
        main.signal(number)
        assert await main.ended() == 0
    stopped = [line.split()[1].rpartition("/")[2] for line in main.lines if line.endswith("  stopped")]
    assert stopped == ["wire", "feeds", "signals", "workers", "orchestrator"]
    assert not re.search("Traceback|WARNING|ERROR|CRITICAL", main.output)
    assert raw.exists("intel:heartbeat")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_main_with_exit_code_0_and_no_word(identify, market, served, desk, number):
    await identify()
    async with running("main", market) as main:
        await served()
        main.signal(number)
        assert await main.ended() == 0
    assert len(main.lines) == 1  # the identity
    assert desk.client_list()[1:] == []  # it has left


async def test_a_second_run_publishes_nothing_twice(identify, market, served, desk):
    await identify()
    for name in ("main", "supervised_main"):
        async with running(name, market) as main:
            await served()
            main.signal(signal.SIGTERM)
            assert await main.ended() == 0
    assert desk.xlen("intel:articles") == 1


async def test_a_feed_that_fails_ends_main_as_a_whole(identify, market, served, news):
    await identify()
    async with running("main", market) as main:
        await served()
        news.serve(f"/feed?key={CANARY}", status=503)
        assert await main.ended() == 1
    assert "FeedUnreachable: feed 'wire': no answer: HTTP 503" in main.output


async def test_and_supervised_main_lives_on(identify, market, served, news, until):
    await identify()
    async with running("supervised_main", market) as main:
        await served()
        news.serve(f"/feed?key={CANARY}", status=503)
        await until(lambda: "network_blip" in main.output, 15)
        news.serve(f"/feed?key={CANARY}", rss(item("news", "https://a.example/x")))
        await served()
        main.signal(signal.SIGTERM)
        assert await main.ended() == 0
    assert "Traceback" not in main.output


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


@pytest.mark.parametrize("name", ["main", "supervised_main"])
async def test_a_wrong_configuration_is_one_line_and_exit_code_78_and_no_feed_is_asked(identify, market, news, name):
    await identify(workers={"feeds": [{"id": "wire", "url": f"ftp://{CANARY}"}]})
    async with running(name, market) as main:
        assert await main.ended() == 78
    assert "the url of feed 'wire' has to begin with http:// or https://" in only_complaint(main)
    assert not news.asked
