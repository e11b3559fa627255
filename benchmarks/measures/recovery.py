"""What a user feels: something fails, and data flows again.

    one worker      the provider closes with 1012; under supervision only ws_worker is restarted
    orchestrator    it crashes, and takes the workers that come after it along
    process         the provider closes with 1012; without supervision inside the whole service ends, and is started
                    again by supervisord, by circus, or by a loop in the shell, which does so at once

The same service, provider, bus and configuration in each. The time is that of one observer of the bus, outside of all
of them: from the moment when the provider is told to close, or the orchestrator to crash, to the first event of the next
connection on the bus. The provider's market goes on meanwhile, and speaks every 10 ms; what happens while nobody is
subscribed is missed. Then the books: what the provider sent to a subscriber is on the bus, once.

Failures lie hours apart in earnest. Here they do not, and what they use up of the supervisors' patience is given back
before each: a second 1012 within a minute is answered after a pause, as it should be.
"""

import random
import signal
import statistics
import time
from collections.abc import Sequence
from types import SimpleNamespace

import anyio
from msgspec import Struct, field

from benchmarks.rig.massive import stage as massive_stage
from benchmarks.rig.massive.failures import ORCHESTRATOR, WORKER, Failure, Service, Stage, whole_process
from benchmarks.rig.massive.market_watch import Gap, MarketWatch, open_watch
from benchmarks.rig.massive.service_process import publish_identity
from benchmarks.rig.rows import Row, median_and_p99
from services.massive.config import Keys
from services.massive.demo.audit import Audit, Balance
from services.shared import redis_clients

RATE = 2_000.0
KEYS = Keys()


class Outcome(Struct):
    """What came of one kind of failure, over all runs.

    Attributes:
        downtimes: milliseconds that ws_worker was down, as its supervisor says.
        others: restarts of other nodes.
        books: how they stood at the end of each run.
    """

    gaps: list[Gap] = field(default_factory=list)
    downtimes: list[float] = field(default_factory=list)
    others: int = 0
    books: list[Balance] = field(default_factory=list)


def measure(*, quick: bool) -> list[Row]:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it ends whom it has started, as with Ctrl-C
    failures = [WORKER, ORCHESTRATOR, *([] if quick else whole_process())]
    outcomes = anyio.run(_measure, failures, 2 if quick else 10, backend_options={"use_uvloop": False})
    worker = outcomes[WORKER.name]
    first, _ = median_and_p99([gap.ms for gap in worker.gaps])
    down, down_p99 = median_and_p99(worker.downtimes)
    rows = _rows(WORKER.name, worker, limit=25)
    rows[1:1] = [
        Row(what="of which ws_worker was down", figure=down, unit="ms", p99=down_p99),
        Row(what="other nodes restarted by it", figure=worker.others, unit="", limit=0),
    ]
    rows += _rows(ORCHESTRATOR.name, outcomes[ORCHESTRATOR.name], than=first)
    for failure in failures[2:]:
        rows += _rows(failure.name, outcomes[failure.name], than=first, ours=False)
    return rows


def _rows(
    name: str, outcome: Outcome, *, than: float | None = None, limit: float | None = None, ours: bool = True
) -> list[Row]:
    ms, p99 = median_and_p99([gap.ms for gap in outcome.gaps])
    # The market speaks in bursts: a short gap falls between two of them more often than not, and the median were 0.
    missed = statistics.mean(gap.missed for gap in outcome.gaps)
    _, most = median_and_p99([gap.missed for gap in outcome.gaps])
    ratio, to = (None, "") if than is None else (ms / than, WORKER.name)
    none = 0 if ours else None
    return [
        Row(what=f"{name}: data flows again after", figure=ms, unit="ms", p99=p99, ratio=ratio, to=to, limit=limit),
        Row(what=f"{name}: missed meanwhile, on average", figure=missed, unit="events", p99=most),
        Row(what=f"{name}: lost of those sent", figure=sum(one.lost for one in outcome.books), unit="", limit=none),
        Row(what=f"{name}: on the bus twice", figure=sum(one.duplicated for one in outcome.books), unit="", limit=none),
    ]


async def _measure(failures: Sequence[Failure], rounds: int) -> dict[str, Outcome]:
    outcomes = {failure.name: Outcome() for failure in failures}
    async with massive_stage.bus() as market, massive_stage.provider(RATE) as provider:
        await publish_identity(provider, market)
        stage = Stage(provider, market)
        for turn in range(rounds):
            for failure in failures[:: -1 if turn % 2 else 1]:
                await _run(stage, failure, outcomes[failure.name])
    return outcomes


async def _run(stage: Stage, failure: Failure, outcome: Outcome) -> None:
    """One life of the service, on an empty stream."""
    client = redis_clients.control(stage.market)
    async with redis_clients.opened(client):
        await client.execute_command("DEL", KEYS.stream)
        async with open_watch(stage.provider, stage.market, KEYS.stream) as watch:
            known = len(await watch.connections())
            async with failure.opened(stage) as service:
                await watch.until_it_flows(known)
                for _ in range(failure.times):
                    await anyio.sleep(random.uniform(*failure.settle))
                    await _fail(service, watch, outcome)
                await stage.provider.tell("trickle 0")
                sent = (await watch.connections())[known:]
                outcome.books.append(await Audit(SimpleNamespace(sent=sent), client, KEYS).balance())
        await stage.provider.tell("heal")


async def _fail(service: Service, watch: MarketWatch, outcome: Outcome) -> None:
    inside = service.supervision
    if inside is not None:
        await inside.forgive()
        down, others = await inside.look()
    known = len(await watch.connections())
    struck = time.perf_counter()
    await service.strike()
    outcome.gaps.append(await watch.gap(struck, known))
    if inside is not None:
        down_after, others_after = await inside.look()
        outcome.downtimes.append(down_after - down)
        outcome.others += others_after - others
