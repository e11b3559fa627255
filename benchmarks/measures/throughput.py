"""How much goes through massive, and what supervision adds to the path of the data."""

import signal
import statistics
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio
from msgspec.structs import replace

from benchmarks.rig.massive import stage as massive_stage
from benchmarks.rig.massive.whole_path import whole_path
from benchmarks.rig.rows import Row, in_groups
from otp import open_supervisor, supervisor, worker
from services.massive.config import Keys, Massive
from services.massive.pipeline import Pipeline
from services.massive.shared_services import SharedServices
from services.massive.workers import consume, publish

SUSTAINED = 10_000.0
BURST = 50_000.0

FRAMES = 500
EVENTS = 50
TRADE = b'{"ev":"T","sym":"SYM%d","x":4,"i":"1","z":3,"p":114.125,"s":100,"c":[14],"t":1700000000000,"q":%d}'
PAYLOAD = b"[" + b",".join(TRADE % (n % 20, n) for n in range(EVENTS)) + b"]"


def measure(*, quick: bool) -> list[Row]:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it ends whom it has started, as with Ctrl-C
    return anyio.run(_measure, quick, backend_options={"use_uvloop": False})


async def _measure(quick: bool) -> list[Row]:
    seconds, rounds = (3.0, 15) if quick else (20.0, 60)
    async with massive_stage.bus() as market, massive_stage.provider(SUSTAINED) as provider:
        config = massive_stage.config_of(provider.url, market)
        bare, ours = await _path(config, rounds)
        sustained, dropped, cost = await _sustained(config, seconds)
        burst_events, burst_dropped, waiting = await _burst(provider, config)
    without, with_it = await whole_path(*((3, 1.0) if quick else (10, 2.0)))
    sustaining, bursting = (f"{in_groups(round(rate))} events/s" for rate in (SUSTAINED, BURST))
    return [
        *_beside("queue to bus to prices", bare, ours, "µs/event", limit=1.01),
        *_beside("provider to prices, all that one core carries", without, with_it, "events/s"),
        Row(what=f"massive at {sustaining}: events/s through", figure=sustained, unit=""),
        Row(what="processor time of all of it", figure=cost, unit="µs/event"),
        Row(what="dropped", figure=dropped, unit="", limit=0),
        Row(what=f"one second at {bursting}: events through", figure=burst_events, unit=""),
        Row(what="dropped", figure=burst_dropped, unit="", limit=0),
        Row(what="frames that waited in the queue, at most", figure=waiting, unit=""),
    ]


def _beside(what: str, without: list[float], with_it: list[float], unit: str, limit: float | None = None) -> list[Row]:
    ratio = _ratio(with_it, without)
    figure = statistics.median(with_it)
    return [
        Row(what=f"{what}, without supervision", figure=statistics.median(without), unit=unit),
        Row(what="the same supervised", figure=figure, unit=unit, ratio=ratio, to="without", limit=limit),
    ]


def _ratio(ones: list[float], others: list[float]) -> float:
    """Of neighbours in time, so that what disturbs the machine for longer disturbs both."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


async def _path(config: Massive, rounds: int) -> tuple[list[float], list[float]]:
    """Processor time per event from the queue to the prices on the bus, in µs: the same frames, both ways in turn."""
    async with _plain_path(config, "plain") as plain, _supervised_path(config, "supervised") as supervised:
        bare: list[float] = []
        ours: list[float] = []
        for turn in range(rounds):
            for pipeline, samples in ((plain, bare), (supervised, ours))[:: 1 if turn % 2 else -1]:
                samples.append(await _drain(pipeline))
    return bare, ours


async def _drain(pipeline: Pipeline) -> float:
    goal = pipeline.counts.consumed + FRAMES
    began = time.process_time()
    for _ in range(FRAMES):
        pipeline.frames.put(PAYLOAD, EVENTS)
    while pipeline.counts.consumed < goal:
        await anyio.sleep(0.001)
    return (time.process_time() - began) / (FRAMES * EVENTS) * 1e6


@asynccontextmanager
async def _plain_path(config: Massive, name: str) -> AsyncGenerator[Pipeline]:
    config, shared = _own_keys(config, name)
    async with anyio.create_task_group() as group:
        await group.start(partial(publish.run, config, shared.pipeline, shared.producer))
        await group.start(partial(consume.run, config, shared.pipeline, shared.blocking))
        yield shared.pipeline
        group.cancel_scope.cancel()
    await shared.aclose()


@asynccontextmanager
async def _supervised_path(config: Massive, name: str) -> AsyncGenerator[Pipeline]:
    config, shared = _own_keys(config, name)
    children = [
        worker("redis_publisher", publish.run, config, shared.pipeline, shared.producer, ready=True),
        worker("redis_consumer", consume.run, config, shared.pipeline, shared.blocking, ready=True),
    ]
    async with open_supervisor(supervisor("path", children=children)):
        yield shared.pipeline
    await shared.aclose()


def _own_keys(config: Massive, name: str) -> tuple[Massive, SharedServices]:
    config = replace(config, keys=Keys(stream=f"{name}:stream", spot=f"{name}:spot", bars=f"{name}:bars"))
    return config, SharedServices.make(config)


async def _sustained(config: Massive, seconds: float) -> tuple[float, int, float]:
    """Events per second, frames dropped, processor time per event in µs."""
    async with massive_stage.supervised(config) as shared:
        counts = shared.pipeline.counts
        await anyio.sleep(1.0)
        events, used, began = counts.events_out, time.process_time(), time.monotonic()
        await anyio.sleep(seconds)
        events = counts.events_out - events
        return events / (time.monotonic() - began), counts.dropped_frames, (time.process_time() - used) / events * 1e6


async def _burst(provider: massive_stage.ProviderProcess, config: Massive) -> tuple[int, int, int]:
    async with massive_stage.supervised(config) as shared:
        counts, frames = shared.pipeline.counts, shared.pipeline.frames
        await anyio.sleep(1.0)
        before = counts.events_in
        await provider.tell(f"trickle {BURST:.0f}")
        waiting = 0
        for _ in range(100):
            await anyio.sleep(0.01)
            waiting = max(waiting, len(frames))
        await provider.tell("trickle 0")
        while len(frames) or counts.events_out < counts.events_in:
            await anyio.sleep(0.01)
        return counts.events_out - before, counts.dropped_events, waiting
