"""signals: reads the trades that massive writes, and publishes what is out of the ordinary, each anomaly exactly once.

    unsettled entries, in the order of the stream, without those up to the position
        → their trades → baselines and signals                        no step outside of this process
        → settle: baselines, signals, position, in one step           intel-redis
        → acknowledge                                                 market-redis

It reads the stream, not the bars: a bar changes until nobody knows when, and no list says which one did, while each
entry comes once, in an order that never changes. So the same stream gives the same signals, whatever was killed.
Killed before the settling it has done nothing; killed between settling and acknowledging, it finds the entries again,
and the position says that they are settled. An intel-redis that lost its last second lost position and results alike,
and the entries behind that position are read from the stream once more.
"""

from collections.abc import Sequence

from anyio.abc import TaskStatus

from services.intel.anomalies import Detector, Signal
from services.intel.config import Intel
from services.intel.market_group import Entry, MarketGroup, ordinal
from services.intel.pipeline import Pipeline
from services.intel.signal_store import BEGINNING, SignalStore
from services.massive.protocol import BadFrame, Trade, decode_events
from services.shared.redis_clients import Client, until_it_answers

AHEAD = 60_000
"""Milliseconds that a trade may be ahead of its entry. One from further on would make all that follow it late."""


async def run(
    config: Intel, pipeline: Pipeline, market: Client, intel: Client, *, task_status: TaskStatus[None]
) -> None:
    """Read and publish until stopped; ready once the group is there and the position is known.

    Args:
        config: the service.
        pipeline: its watch list says which symbols count; its counts and turns are told.
        market: client of market-redis, for reads that wait.
        intel: client of intel-redis; it may repeat what it sends.
        task_status: told when it begins to read.

    Raises:
        redis.exceptions.RedisError: the entries in hand are read again by the next incarnation.
    """
    for redis in (market, intel):
        await until_it_answers(redis)
    worker = _Signals(config, pipeline, market, intel)
    await worker.begin()
    task_status.started()
    while True:
        await worker.settle_next()
        pipeline.turns += 1


class _Signals:
    """One incarnation's entries, states and settlements."""

    def __init__(self, config: Intel, pipeline: Pipeline, market: Client, intel: Client) -> None:
        self._thresholds = config.thresholds
        self._pipeline = pipeline
        self._group = MarketGroup(market, config.keys, pipeline.counts)
        self._store = SignalStore(intel, config)
        self._position = self._found = BEGINNING
        self._detector = Detector(config.thresholds)

    async def begin(self) -> None:
        """Find the place to go on from, and go to where the group is."""
        joined = await self._group.join()
        await self._find_position()
        if joined.is_new and ordinal(self._position) > ordinal(joined.top):
            # The position belongs to a stream that is gone, group and all; this one may begin with earlier ids.
            await self._store.settle(self._position, BEGINNING, (), ())
            await self._find_position()
        self._found = self._position
        await self._catch_up(joined.given)

    async def settle_next(self) -> None:
        """Settle what there is, or wait for it."""
        entries = await self._group.next_entries()
        self._pipeline.counts.lost += sum(not fields and ordinal(id) > ordinal(self._found) for id, fields in entries)
        new = [entry for entry in entries if ordinal(entry[0]) > ordinal(self._position)]
        if new and not await self._settle(new):
            # They are all still pending: the next read gives them again, and the position says which of them are left.
            await self._find_position()
        elif entries:
            await self._group.acknowledge(entries)

    async def _catch_up(self, given: str) -> None:
        # 1. A batch is settled and acknowledged; 2. intel-redis dies and comes back without its last second. The group
        # would not give these entries again, and the position says that they are not settled.
        while entries := await self._group.between(self._position, given):
            if not await self._settle(entries):
                await self._find_position()

    async def _find_position(self) -> None:
        self._position = await self._store.position()
        self._detector = Detector(self._thresholds)

    async def _settle(self, entries: Sequence[Entry]) -> bool:
        late, unreadable = self._detector.late, 0
        trades: list[Trade] = []
        for id, fields in entries:
            try:
                trades += self._trades(id, fields)
            except BadFrame:
                unreadable += 1
        signals = await self._detect(trades)
        touched = {trade.symbol for trade in trades}.intersection(self._detector.states)
        states = [(symbol, self._detector.states[symbol]) for symbol in sorted(touched)]
        after = entries[-1][0]
        if not await self._store.settle(self._position, after, states, signals):
            return False
        self._position = after
        self._count(entries, unreadable, len(signals), self._detector.late - late)
        return True

    def _trades(self, id: str, fields: dict[bytes, bytes]) -> Sequence[Trade]:
        if not fields:
            return ()
        payload = fields.get(b"payload")
        if payload is None:
            raise BadFrame("an entry without payload")
        watched = self._pipeline.watch_list
        trades = [one for one in decode_events(payload).events if isinstance(one, Trade) and one.symbol in watched]
        believed = [trade for trade in trades if 0 <= trade.time <= ordinal(id)[0] + AHEAD]
        self._detector.late += len(trades) - len(believed)
        return believed

    async def _detect(self, trades: Sequence[Trade]) -> Sequence[Signal]:
        unknown = sorted({trade.symbol for trade in trades}.difference(self._detector.states))
        for symbol, state in await self._store.states(unknown):
            self._detector.begin_with(symbol, state)
        return [signal for trade in trades for signal in self._detector.take(trade)]

    def _count(self, entries: Sequence[Entry], unreadable: int, signals: int, late: int) -> None:
        counts = self._pipeline.counts
        counts.entries += sum(bool(fields) for _, fields in entries)
        counts.unreadable += unreadable
        counts.signals += signals
        counts.late += late
