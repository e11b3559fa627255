"""The signals worker between two real servers: massive's stream on market-redis, baselines and signals on intel-redis."""

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from functools import partial

import anyio
import msgspec
import pytest
from msgspec import structs

from services.intel import market_group
from services.intel.anomalies import Detector
from services.intel.market_group import CONSUMER, MarketGroup
from services.intel.pipeline import Pipeline
from services.intel.signal_store import SignalStore
from services.intel.workers import signals
from services.massive.pipeline import Pipeline as MassivePipeline
from services.massive.protocol import Trade
from services.massive.workers import publish

STREAM = "massive:ws:stream"
GROUP = "intel"


class Market:
    """Puts trades into the stream, as massive does, and computes what signals they amount to."""

    def __init__(self, raw, limits):
        self.raw = raw
        self.began = round(time.time() * 1_000) // 1_000 * 1_000 - 86_400_000
        self.limits = limits
        self.events = []
        self.last = ""

    def trade(self, second, price=100.0, size=100.0, symbol="AAPL", q=0):
        at = self.began + round(second * 1_000)
        return {"ev": "T", "sym": symbol, "p": price, "s": size, "t": at, "q": q, "x": 4, "i": "1", "z": 3}

    def add(self, *events):
        self.events += events
        self.last = self.raw.xadd(STREAM, {"ts": 1, "payload": msgspec.json.encode(events)}).decode()

    def noise(self, seconds, *, begin=0, seed=1, symbols=("AAPL", "MSFT")):
        """Wandering prices, volumes within a factor of three: one entry for each second."""
        dice, prices = random.Random(seed), dict.fromkeys(symbols, 100.0)
        for second in range(begin, begin + seconds):
            for symbol in symbols:
                prices[symbol] *= 1 + dice.gauss(0, 0.0002)
            self.add(*(self.trade(second, prices[s], dice.uniform(50, 150), s, q=second) for s in symbols))

    def spikes(self, *seconds, begin=0, seconds_in_all=600, seed=4):
        """Noise over so many seconds, with jumps of price and volume at some of them."""
        dice, price = random.Random(seed), 100.0
        for second in range(begin, begin + seconds_in_all):
            price *= 1 + dice.gauss(0, 0.0002)
            spike = second in seconds
            price *= 1.03 if spike else 1
            self.add(self.trade(second, price, 1e5 if spike else dice.uniform(50, 150), q=second))

    def expected(self):
        detector = Detector(self.limits)
        trades = [msgspec.convert(event, Trade) for event in self.events if event["ev"] == "T"]
        return [msgspec.to_builtins(found) for trade in trades for found in detector.take(trade)]


@pytest.fixture
def stock(raw, intel):
    return Market(raw, intel.thresholds)


def published(desk):
    return [json.loads(fields[b"signal"]) for _, fields in desk.xrange("intel:signals")]


def is_settled(raw):
    (group,) = raw.xinfo_groups(STREAM)
    return group["lag"] == 0 and group["pending"] == 0


def entries_read(raw):
    return sum(group["entries-read"] or 0 for group in raw.xinfo_groups(STREAM))


@pytest.fixture
def start(intel, reader, control):
    async def run(group, pipeline=None, config=intel):
        scope = anyio.CancelScope()

        async def incarnation(*, task_status):
            with scope:
                await signals.run(config, pipeline or Pipeline(), reader, control, task_status=task_status)

        await group.start(incarnation)
        return scope

    return run


@pytest.fixture
def incarnation(intel, reader, control):
    """The inside of a worker, to be moved by hand."""
    return lambda: signals._Signals(intel, Pipeline(), reader, control)


@pytest.fixture
def settled(start, raw, until):
    """Run one incarnation until all is settled; gives what it counted."""

    async def run(pipeline=None, **options):
        pipeline = pipeline or Pipeline()
        async with anyio.create_task_group() as group:
            scope = await start(group, pipeline, **options)
            await until(lambda: is_settled(raw))
            scope.cancel()
        return pipeline.counts

    return run


# ------------------------------------------------------------------------------------------------ what is found


async def test_spikes_are_published_in_the_contracts_form_and_noise_is_not(stock, settled, desk):
    stock.noise(200)
    counts = await settled()
    assert published(desk) == []
    assert (counts.entries, counts.signals, counts.lost, counts.unreadable) == (200, 0, 0, 0)
    stock.add(stock.trade(200, 105.0, 1e6))
    stock.add(stock.trade(201, 105.0))
    counts = await settled()
    price, volume = published(desk)
    assert price.keys() == {"id", "symbol", "kind", "direction", "score", "price", "at"}
    assert (price["symbol"], price["kind"], price["direction"], price["price"]) == ("AAPL", "price", "up", 105.0)
    assert (volume["kind"], volume["direction"]) == ("volume", "up")
    assert price["at"] == volume["at"] == stock.began / 1_000 + 200
    assert counts.signals == 2


async def test_its_loop_turns_while_there_are_no_trades(start, until, monkeypatch):
    monkeypatch.setattr(market_group, "BLOCK", 50)
    pipeline = Pipeline()
    async with anyio.create_task_group() as group:
        scope = await start(group, pipeline)
        await until(lambda: pipeline.turns > 3)
        scope.cancel()
    assert pipeline.counts.entries == 0


async def test_what_massives_own_publisher_writes_is_read(massive, stock, settled, desk, until):
    pipeline = MassivePipeline(1_000)
    for second in range(100):
        event = stock.trade(second, 110.0 if second == 98 else 100.0, q=second)
        stock.events.append(event)
        pipeline.frames.put(msgspec.json.encode([event]), 1)
    async with anyio.create_task_group() as group:
        await group.start(partial(publish.run, massive, pipeline))
        await until(lambda: stock.raw.xlen(STREAM) == 100)
        group.cancel_scope.cancel()
    await settled()
    assert published(desk) == stock.expected() != []


async def test_the_watch_list_says_which_symbols_count(stock, settled, desk):
    for symbol in ("AAPL", "MSFT"):
        for second in range(60):
            stock.add(stock.trade(second, 100.0, 100.0 if second < 58 else 1e6, symbol))
    pipeline = Pipeline()
    pipeline.watch_list.post(frozenset({"MSFT"}))
    await settled(pipeline)
    assert {found["symbol"] for found in published(desk)} == {"MSFT"}
    assert desk.hkeys("intel:baseline") == [b"MSFT"]


async def test_entries_that_cannot_be_read_are_settled_and_counted_and_other_events_are_passed_over(
    stock, settled, raw, desk
):
    raw.xadd(STREAM, {"ts": 1, "payload": b"{oops"})
    raw.xadd(STREAM, {"something": "else"})
    raw.xadd(STREAM, {"ts": 1, "payload": b'[{"ev":"status","status":"connected","message":""},{"ev":"ZZ"}]'})
    stock.add(stock.trade(0), {"ev": "Q", "sym": "MSFT", "t": stock.began, "bp": 1.0, "ap": 2.0})
    counts = await settled()
    assert (counts.entries, counts.unreadable) == (4, 2)
    assert desk.hkeys("intel:baseline") == [b"AAPL"]


async def test_a_trade_from_the_future_is_left_out_or_all_that_follow_would_be_late(stock, settled, desk):
    stock.noise(100)
    stock.add(stock.trade(1e6, 100.0))
    for second in (100, 101, 102):
        stock.add(stock.trade(second, 100.0, 1e6))
    counts = await settled()
    assert counts.late == 1
    assert ("volume", "up") in [(found["kind"], found["direction"]) for found in published(desk)]


async def test_a_symbol_whose_state_cannot_be_read_begins_anew_and_the_others_go_on(stock, settled, desk):
    stock.noise(100)
    await settled()
    desk.hset("intel:baseline", "AAPL", "{oops")
    stock.add(stock.trade(100, 150.0, 1e6), stock.trade(100, 150.0, 1e6, "MSFT"))
    stock.add(stock.trade(101, 150.0), stock.trade(101, 150.0, symbol="MSFT"))
    await settled()
    assert {found["symbol"] for found in published(desk)} == {"MSFT"}


# ------------------------------------------------------------------------------------------------ exactly once


async def test_a_restart_neither_replays_nor_forgets(stock, settled, desk, raw):
    stock.spikes(100, 200, 300, 400)
    for _ in range(3):
        await settled()
        before = published(desk)
        await settled()
        assert published(desk) == before
    stock.spikes(700, begin=600, seconds_in_all=200)
    await settled()
    assert published(desk) == stock.expected()
    assert len(published(desk)) >= 10


class Killed(Exception):
    """Stands for whatever ends a worker."""


def dies_before(monkeypatch, owner, name):
    async def step(*args):
        raise Killed

    monkeypatch.setattr(owner, name, step)


def dies_after(monkeypatch, owner, name):
    original = getattr(owner, name)

    async def step(*args):
        result = await original(*args)
        if name != "next_entries" or result:
            raise Killed
        return result

    monkeypatch.setattr(owner, name, step)


STEPS = (
    (MarketGroup, "next_entries"),
    (SignalStore, "states"),
    (SignalStore, "settle"),
    (MarketGroup, "acknowledge"),
)


@pytest.mark.parametrize(
    "death",
    list(itertools.product((dies_before, dies_after), STEPS)),
    ids=lambda death: f"{death[0].__name__} {death[1][1]}",
)
async def test_a_worker_that_dies_at_any_step_loses_and_doubles_nothing(stock, settled, start, desk, death):
    dies, step = death
    done = (dies, step[1]) in {(dies_after, "settle"), (dies_before, "acknowledge"), (dies_after, "acknowledge")}
    stock.spikes(50, 90, 150, 250, seconds_in_all=400)
    for times in range(3):
        with pytest.MonkeyPatch.context() as monkeypatch:
            dies(monkeypatch, *step)
            with pytest.RaisesGroup(Killed):
                async with anyio.create_task_group() as group:
                    await start(group)
        assert times or desk.exists("intel:position") == done
    counts = await settled()
    assert published(desk) == stock.expected()
    assert len(published(desk)) >= 8
    assert counts.lost == 0


async def test_eighty_cancellations_at_random_moments_lose_and_double_nothing(stock, settled, start, desk):
    dice = random.Random(11)

    async def feed():
        for n in range(60):
            stock.spikes(*((n * 30 + 15,) if n % 3 else ()), begin=n * 30, seconds_in_all=30, seed=n)
            await anyio.sleep(0.01)

    async with anyio.create_task_group() as group:
        group.start_soon(feed)
        for _ in range(80):
            scope = await start(group)
            await anyio.sleep(dice.random() * 0.02)
            scope.cancel()
    await settled()
    assert published(desk) == stock.expected()
    assert len(published(desk)) >= 20


PROCESS = """
import sys, anyio, msgspec
from services.intel.config import Intel
from services.intel.shared_services import SharedServices
from services.intel.workers import signals
config = msgspec.json.decode(sys.stdin.buffer.read(), type=Intel)
async def main():
    shared = SharedServices.make(config)
    await signals.run(config, shared.pipeline, shared.reader, shared.intel, task_status=anyio.TASK_STATUS_IGNORED)
anyio.run(main)
"""


async def test_a_process_that_is_killed_loses_and_doubles_nothing(stock, settled, desk, intel, until):
    stock.spikes(*range(90, 12_000, 90), seconds_in_all=12_000)
    for read in (1, 1_500, 4_000):
        process = subprocess.Popen([sys.executable, "-c", PROCESS], stdin=subprocess.PIPE)
        process.stdin.write(msgspec.json.encode(intel))
        process.stdin.close()
        await until(lambda read=read: entries_read(stock.raw) >= read, 15)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert not is_settled(stock.raw)
    await settled()
    assert published(desk) == stock.expected()
    assert len(published(desk)) >= 100


async def test_a_batch_that_runs_late_counts_once(stock, settled, desk, incarnation):
    """The script of a dead incarnation may run after its successor has read the same entries."""
    stock.spikes(80, seconds_in_all=90)
    former, latter = (incarnation() for _ in range(2))
    for worker in (former, latter):
        await worker.begin()
    entries = await former._group.next_entries()
    same = await latter._group.next_entries()
    assert [id for id, _ in same] == [id for id, _ in entries]
    assert await former._settle(entries)
    assert not await latter._settle(same)
    assert latter._pipeline.counts.signals == 0
    await settled()
    assert published(desk) == stock.expected() != []


async def test_and_when_it_held_a_part_of_them_the_rest_is_computed_from_there(stock, desk, incarnation):
    former, latter = (incarnation() for _ in range(2))
    for worker in (former, latter):
        await worker.begin()
    stock.spikes(50, 90, seconds_in_all=100)
    entries = await former._group.next_entries()
    assert await former._settle(entries[:60])
    await latter.settle_next()  # in vain, as it began at the stream's beginning
    assert latter._position == entries[59][0]
    stock.spikes(150, begin=100, seconds_in_all=90)
    while latter._position != stock.last:
        await latter.settle_next()
    assert published(desk) == stock.expected() != []
    assert latter._pipeline.counts.entries == 130


async def test_entries_that_were_given_to_a_dead_connection_keep_their_place(stock, raw, desk, start, until):
    """1. A read is on its way when its incarnation is cancelled. 2. Redis answers it, to nobody. 3. More entries come."""
    pipeline = Pipeline()
    async with anyio.create_task_group() as group:
        scope = await start(group, pipeline)
        stock.noise(50)
        await until(lambda: pipeline.counts.entries == 50)
        with raw.pipeline(transaction=True) as taken_away:
            for second in range(50, 110):
                event = stock.trade(second, 100.0, 1e5 if second == 80 else 100.0, q=second)
                stock.events.append(event)
                taken_away.xadd(STREAM, {"ts": 1, "payload": msgspec.json.encode([event])})
            taken_away.xreadgroup(GROUP, CONSUMER, {STREAM: ">"}, count=1_000)
            taken_away.execute()
        stock.spikes(130, begin=110, seconds_in_all=40)
        await until(lambda: pipeline.counts.entries == 150)
        await until(lambda: is_settled(raw))
        scope.cancel()
    assert published(desk) == stock.expected()
    assert len(published(desk)) >= 4


async def test_more_pending_than_one_read_gives_is_settled_in_order(stock, settled, raw, desk):
    raw.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    stock.spikes(100, 200, 300, seconds_in_all=350)
    assert raw.xreadgroup(GROUP, CONSUMER, {STREAM: ">"}, count=3 * market_group.BATCH)
    stock.spikes(400, begin=350, seconds_in_all=100)
    await settled()
    assert published(desk) == stock.expected()
    assert len(published(desk)) >= 6


async def test_entries_that_the_limit_cut_off_are_counted_whether_read_before_or_not(stock, settled, raw):
    raw.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    stock.noise(10)
    raw.xreadgroup(GROUP, CONSUMER, {STREAM: ">"}, count=3)
    raw.xtrim(STREAM, maxlen=2, approximate=False)
    counts = await settled()
    assert (counts.lost, counts.entries) == (8, 2)


async def test_a_stream_that_was_replaced_is_read_from_its_beginning(stock, settled, raw, desk):
    stock.noise(30)
    await settled()
    raw.delete(STREAM)
    raw.xadd(STREAM, {"payload": msgspec.json.encode([stock.trade(100)])}, id="5-1")  # the clock was set back, too
    counts = await settled()
    assert counts.entries == 1
    assert desk.get("intel:position") == b"5-1"


async def test_a_stream_that_lost_its_last_entries_replays_nothing(stock, settled, raw, desk):
    """A market-redis that dies comes back without its last second, which intel may have read."""
    stock.spikes(50, 90, seconds_in_all=120)
    await settled()
    last = raw.xrevrange(STREAM, count=30)
    group = raw.xinfo_groups(STREAM)[0]["last-delivered-id"]
    kept = raw.xrange(STREAM, max=f"({last[-1][0].decode()}")
    raw.delete(STREAM)
    for id, fields in kept:
        raw.xadd(STREAM, fields, id=id)
    raw.xgroup_create(STREAM, GROUP, id=kept[-1][0])
    assert desk.get("intel:position") == group
    counts = await settled()
    assert counts.entries == 0
    stock.spikes(150, begin=120, seconds_in_all=60)
    await settled()
    assert published(desk) == stock.expected() != []


@pytest.mark.parametrize("size", [60, 500])
async def test_an_intel_redis_that_lost_its_last_writes_gets_them_again(stock, settled, desk, size):
    """It dies and comes back without its last second; on market-redis the entries are acknowledged."""
    stock.spikes(50, 90, seconds_in_all=120)
    await settled()
    names = ("intel:position", "intel:baseline", "intel:signals")
    before = {name: desk.dump(name) for name in names}
    stock.spikes(150, begin=120, seconds_in_all=size)
    await settled()
    for name in names:
        desk.restore(name, 0, before[name], replace=True)
    assert published(desk) != stock.expected()
    counts = await settled()
    assert counts.entries == size
    assert published(desk) == stock.expected()


async def test_a_group_that_was_deleted_replays_nothing(stock, settled, raw, desk):
    stock.spikes(50, 90, seconds_in_all=120)
    await settled()
    raw.xgroup_destroy(STREAM, GROUP)
    stock.spikes(150, begin=120, seconds_in_all=60)
    await settled()
    assert published(desk) == stock.expected()


async def test_the_stream_of_signals_is_limited(stock, settled, desk, intel):
    easy = structs.replace(intel.thresholds, maxlen=100, score=0.5, cool_down=0.0)
    config = structs.replace(intel, thresholds=easy)
    stock.noise(2_000)
    counts = await settled(config=config)
    assert counts.signals > 400
    assert desk.xlen("intel:signals") < 300


async def test_a_stop_while_it_waits_for_entries_takes_effect_at_once(start, stock, raw, until):
    async with anyio.create_task_group() as group:
        scope = await start(group)
        await until(lambda: any(client["cmd"] == "xread" for client in raw.client_list()))
        with anyio.fail_after(1):
            scope.cancel()
            await until(lambda: not any(client["cmd"] == "xread" for client in raw.client_list()))
