"""What a user feels: the provider closes with 1012, and data flows again.

From the moment the provider is told to close to the first event of the next connection being on the bus; then the
books: every event that the provider sent after a subscription is on the bus, once.
"""

import time
from types import SimpleNamespace

import anyio
import msgspec

from benchmarks import massive_stage
from benchmarks.report import Row, median_and_p99
from otp import Supervisor
from services.massive.demo.audit import Audit, Balance
from services.massive.pipeline import Counts
from services.massive.provider import Sent
from services.shared import redis_clients

FEED = "workers/ws_worker"
RATE = 2_000.0


def measure(*, quick: bool) -> list[Row]:
    gaps, downtimes, others, books = anyio.run(_measure, 5 if quick else 40, backend_options={"use_uvloop": False})
    gap, p99 = median_and_p99(gaps)
    down, down_p99 = median_and_p99(downtimes)
    return [
        Row(what="1012 to the next connection's first event on the bus", figure=gap, unit="ms", p99=p99, limit=25),
        Row(what="of which ws_worker was down", figure=down, unit="ms", p99=down_p99),
        Row(what="other nodes restarted by it", figure=others, unit="", limit=0),
        Row(what="events the provider sent", figure=books.sent, unit=""),
        Row(what="lost", figure=books.lost, unit="", limit=0),
        Row(what="duplicated", figure=books.duplicated, unit="", limit=0),
    ]


async def _measure(times: int) -> tuple[list[float], list[float], int, Balance]:
    gaps: list[float] = []
    downtimes: list[float] = []
    async with massive_stage.bus() as market, massive_stage.provider(RATE) as provider:
        config = massive_stage.config_of(provider.url, market)
        # The window of the tree is not what is measured here: one fresh tree for every few closes stays within it.
        others = 0
        for _ in range(times // 5):
            async with massive_stage.supervised(config) as (shared, tree):
                for _ in range(5):
                    await anyio.sleep(0.2)
                    down = tree.child(FEED).downtime
                    gaps.append(await _gap(provider, shared.pipeline.counts))
                    downtimes.append((tree.child(FEED).downtime - down) * 1e3)
                others += _others(tree)
                await provider.tell("trickle 0")
                books = await _balance(provider, market, config.keys)
                await provider.tell("heal")
    return gaps, downtimes, others, books


async def _gap(provider: massive_stage.ProviderProcess, counts: Counts) -> float:
    connects = counts.connects
    struck = time.perf_counter()
    await provider.tell("close 1012 service restart")
    while counts.connects == connects:
        await anyio.sleep(0.0002)
    before = counts.frames_in
    while counts.frames_out <= before:
        await anyio.sleep(0.0002)
    return (time.perf_counter() - struck) * 1e3


def _others(tree: Supervisor) -> int:
    return sum(child.generation > 1 for child in tree.walk() if not child.path.endswith(FEED))


async def _balance(provider: massive_stage.ProviderProcess, market: str, keys: object) -> Balance:
    sent = msgspec.json.decode(await provider.tell("sent"), type=list[Sent])
    client = redis_clients.control(market)
    async with redis_clients.opened(client):
        return await Audit(SimpleNamespace(sent=sent), client, keys).balance()
