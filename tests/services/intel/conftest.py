"""Two Valkey servers, so that nothing can rely on one step over both buses, and feeds on a real HTTP server."""

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
import pytest
import redis
from anyio.from_thread import start_blocking_portal

from services.intel.config import Feed, Intel, News, Thresholds
from services.intel.pipeline import Pipeline
from services.intel.shared_services import open_http
from services.shared import redis_clients
from services.shared.embedded import open_embedded_buses
from services.shared.identity import Buses


def rss(*items, head="<title>t</title>"):
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'.encode()


def item(title, link="", *, summary="", date="Tue, 25 Nov 2025 10:00:00 GMT"):
    linked = f"<link>{link.replace('&', '&amp;')}</link>" if link else ""
    return f"<item><title>{title}</title>{linked}<description>{summary}</description><pubDate>{date}</pubDate></item>"


class Reply(NamedTuple):
    """What the server answers on a path."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/rss+xml"),)


class NewsServer:
    """A small HTTP server: what it answers is set by path, what it was asked is kept."""

    def __init__(self):
        self.replies = {}
        self.asked = defaultdict(list)
        self.before_reply = None
        self.port = 0

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def serve(self, path, body=b"", status=200, **headers):
        named = {"Content-Type": "application/rss+xml"} | {key.replace("_", "-"): text for key, text in headers.items()}
        self.replies[path] = Reply(body, status, tuple(named.items()))

    async def answer(self, reader, writer):
        try:
            path, headers = await self._request(reader)
            self.asked[path].append(headers)
            if self.before_reply is not None:
                await self.before_reply(path)
            writer.write(self._reply(path, headers))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _request(self, reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        named = (line.partition(":") for line in head[1:] if line)
        return head[0].split()[1], {name.lower(): value.strip() for name, _, value in named}

    def _reply(self, path, asked):
        reply = self.replies.get(path, Reply(status=404))
        headers = dict(reply.headers)
        if "ETag" in headers and asked.get("if-none-match") == headers["ETag"]:
            reply = Reply(status=304, headers=(("ETag", headers["ETag"]),))
        lines = [f"HTTP/1.1 {reply.status} so", f"Content-Length: {len(reply.body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in reply.headers if value]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body


def wire(news, **fields):
    """The configuration of the feed at `/feed`."""
    return Feed(**{"id": "wire", "url": news.url("/feed"), "every": 3_600, "timeout": 2.0} | fields)


@asynccontextmanager
async def open_news():
    news = NewsServer()
    listening = await asyncio.start_server(news.answer, "127.0.0.1", 0)
    async with listening:
        news.port = listening.sockets[0].getsockname()[1]
        yield news


@pytest.fixture
async def news():
    async with open_news() as server:
        yield server


@pytest.fixture(scope="session")
def intel_server():
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(open_embedded_buses(["intel"])) as buses,
    ):
        yield buses["intel"]


@pytest.fixture
def intel_bus(intel_server):
    """A running, empty intel-redis."""
    if intel_server.pid is None:
        anyio.run(intel_server.start)
    with redis.Redis.from_url(intel_server.url) as client:
        client.flushall()
    return intel_server


@pytest.fixture
def desk(intel_bus):
    """A plain synchronous client of intel-redis, to look with."""
    with redis.Redis.from_url(intel_bus.url) as client:
        yield client


@pytest.fixture
def buses(market, intel_bus):
    return Buses(system=market.url, market=market.url, intel=intel_bus.url)


@pytest.fixture
def intel(buses):
    """Samples of a second, a short memory, and whatever the test feeds."""
    return Intel(buses=buses, thresholds=Thresholds(sample=1.0, memory=60, minimum=20, score=6.0, cool_down=30.0))


@pytest.fixture
def feed(news):
    """The feed `wire` of the server, polled so seldom that a test sees one poll."""
    return wire(news)


@pytest.fixture
def with_news(intel):
    """The same configuration with feeds and names."""

    def make(**fields):
        return Intel(buses=intel.buses, thresholds=intel.thresholds, news=News(**fields))

    return make


@pytest.fixture
async def http():
    async with open_http("test/1.0") as client:
        yield client


@pytest.fixture
def pipeline():
    return Pipeline()


@pytest.fixture
async def control(intel):
    """The client of intel-redis that workers are lent."""
    client = redis_clients.control(intel.buses.intel)
    async with redis_clients.opened(client):
        yield client


@pytest.fixture
async def reader(intel):
    """The client of market-redis that the signals worker is lent."""
    client = redis_clients.blocking(intel.buses.market)
    async with redis_clients.opened(client):
        yield client
