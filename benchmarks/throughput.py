"""How much goes through massive, and what supervision adds to the path of the data."""

import anyio

from benchmarks import massive_stage
from benchmarks.report import Row, median_and_p99
from services.massive.pipeline import Counts

SUSTAINED = 10_000.0
BURST = 50_000.0


def measure(*, quick: bool) -> list[Row]:
    return anyio.run(_measure, quick, backend_options={"use_uvloop": False})


async def _measure(quick: bool) -> list[Row]:
    seconds, rounds = (3.0, 2) if quick else (8.0, 6)
    cost: dict[str, list[float]] = {"supervised": [], "unsupervised": []}
    dropped = 0
    async with massive_stage.bus() as market, massive_stage.provider(SUSTAINED) as provider:
        config = massive_stage.config_of(provider.url, market)
        for turn in range(rounds):
            for name in ("supervised", "unsupervised") if turn % 2 else ("unsupervised", "supervised"):
                per_event, lost = await _round(name, config, seconds)
                cost[name].append(per_event)
                dropped += lost
        burst_events, burst_dropped, waiting = await _burst(provider, config)
    ours, bare = median_and_p99(cost["supervised"])[0], median_and_p99(cost["unsupervised"])[0]
    return [
        Row(what=f"{SUSTAINED:,.0f} events/s, without supervision", figure=bare, unit="µs/event"),
        Row(
            what=f"{SUSTAINED:,.0f} events/s, supervised",
            figure=ours,
            unit="µs/event",
            ratio=ours / bare,
            to="without",
            limit=1.01,
        ),
        Row(what="dropped in all of that", figure=dropped, unit="", limit=0),
        Row(what=f"one second at {BURST:,.0f} events/s: events through", figure=burst_events, unit=""),
        Row(what="dropped", figure=burst_dropped, unit="", limit=0),
        Row(what="frames that waited in the queue, at most", figure=waiting, unit=""),
    ]


async def _round(name: str, config: object, seconds: float) -> tuple[float, int]:
    """Processor time per event, in µs, and frames dropped."""
    if name == "unsupervised":
        async with massive_stage.unsupervised(config) as shared:
            return await _watch(shared.pipeline.counts, seconds)
    async with massive_stage.supervised(config) as (shared, _):
        return await _watch(shared.pipeline.counts, seconds)


async def _watch(counts: Counts, seconds: float) -> tuple[float, int]:
    await anyio.sleep(1.0)
    events, used = counts.events_out, massive_stage.processor_seconds()
    await anyio.sleep(seconds)
    used = massive_stage.processor_seconds() - used
    return used / (counts.events_out - events) * 1e6, counts.dropped_frames


async def _burst(provider: massive_stage.ProviderProcess, config: object) -> tuple[int, int, int]:
    async with massive_stage.supervised(config) as (shared, _):
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
