import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import anyio
import msgspec
import pytest
import redis.asyncio

from otp import open_supervisor, supervisor
from otp.events import ChildRestarting
from otp.testing import EventRecorder
from services.massive.pipeline import Pipeline
from services.massive.shared_services import SharedServices
from services.massive.workers import consume
from services.shared import consumer_group
from trees.massive import tree

STREAM = "massive:ws:stream"
GROUP = "massive"
MINUTE = 1_700_000_040  # seconds, a full minute


def trade(symbol="AAPL", price=10.0, size=1, at=0, q=1):
    return {"ev": "T", "sym": symbol, "p": price, "s": size, "t": MINUTE * 1_000 + at, "q": q, "x": 4, "i": "1", "z": 3}


def quote(symbol="AAPL", bid=9.0, ask=11.0, at=0, q=1):
    return {"ev": "Q", "sym": symbol, "bp": bid, "ap": ask, "bs": 1, "as": 2, "t": MINUTE * 1_000 + at, "q": q}


def add(raw, *events):
    return raw.xadd(STREAM, {"ts": 1, "payload": msgspec.json.encode(events)})


def texts(raw, key):
    return {name.decode(): value.decode() for name, value in raw.hgetall(key).items()}


def spot(raw, symbol="AAPL"):
    return texts(raw, f"massive:model:spot:{symbol}")


def bar(raw, symbol="AAPL", minute=MINUTE):
    held = texts(raw, f"massive:model:bar:{symbol}:{minute}")
    return {name: float(held[name]) for name in "ohlcvn"} if held else {}


def pending(raw):
    return raw.xpending(STREAM, GROUP)["pending"]


def is_settled(raw):
    (group,) = raw.xinfo_groups(STREAM)
    return group["lag"] == 0 and group["pending"] == 0


async def start(group, massive, pipeline, client=None):
    scope = anyio.CancelScope()

    async def incarnation(*, task_status):
        with scope:
            await consume.run(massive, pipeline, client, task_status=task_status)

    await group.start(incarnation)
    return scope


async def consumed(massive, raw, until, pipeline=None, counted=0):
    """Run one incarnation until everything is settled, which Redis knows before the worker has counted it."""
    pipeline = pipeline or Pipeline(1)
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, pipeline)
        await until(lambda: is_settled(raw) and pipeline.counts.consumed >= counted)
        scope.cancel()
    return pipeline


async def test_trades_become_a_last_price_and_a_minute_bar(massive, raw, until):
    add(raw, trade(price=10.5, size=100, q=1), trade(price=12.25, size=50, at=10, q=2))
    add(raw, trade(price=9.75, size=25, at=59_999, q=3), trade(price=11, size=1, at=60_000, q=4))
    await consumed(massive, raw, until)
    assert spot(raw) == {"price": "11.0", "t": str(MINUTE * 1_000 + 60_000), "q": "4"}
    assert bar(raw) == {"o": 10.5, "h": 12.25, "l": 9.75, "c": 9.75, "v": 175, "n": 3}
    assert bar(raw, minute=MINUTE + 60) == {"o": 11, "h": 11, "l": 11, "c": 11, "v": 1, "n": 1}


async def test_bars_grow_over_batches_and_vanish_after_their_time(massive, raw, until):
    massive = msgspec.structs.replace(massive, bar_ttl=1_234)
    for n, price in enumerate((10, 14, 8, 11)):
        add(raw, trade(price=price, size=2, at=n, q=n))
        await consumed(massive, raw, until)
    assert bar(raw) == {"o": 10, "h": 14, "l": 8, "c": 11, "v": 8, "n": 4}
    assert 1_200 < raw.ttl(f"massive:model:bar:AAPL:{MINUTE}") <= 1_234


async def test_quotes_stand_beside_the_price(massive, raw, until):
    add(raw, trade(price=10), quote(bid=9.5, ask=10.5, at=7, q=3))
    await consumed(massive, raw, until)
    assert spot(raw) == {
        "price": "10.0", "t": str(MINUTE * 1_000), "q": "1",
        "bid": "9.5", "ask": "10.5", "quote_t": str(MINUTE * 1_000 + 7), "quote_q": "3",
    }  # fmt: skip


async def test_what_is_older_changes_no_last_value_but_counts_in_its_bar(massive, raw, until):
    add(raw, trade(price=20, at=10, q=5), quote(bid=19, ask=21, at=10, q=5))
    await consumed(massive, raw, until)
    add(raw, trade(price=1, at=9, q=9), trade(price=2, at=10, q=4), quote(bid=0, ask=1, at=10, q=4))
    await consumed(massive, raw, until)
    assert spot(raw)["price"] == "20.0"
    assert spot(raw)["bid"] == "19.0"
    assert bar(raw) == {"o": 1, "h": 20, "l": 1, "c": 20, "v": 3, "n": 3}
    add(raw, trade(price=21, at=10, q=6))
    await consumed(massive, raw, until)
    assert spot(raw)["price"] == "21.0"


async def test_the_providers_own_bars_are_written_as_they_are(massive, raw, until):
    times = {"s": MINUTE * 1_000, "e": MINUTE * 1_000 + 60_000}
    prices = {"o": 1.5, "h": 3.25, "l": 1.25, "c": 2.5, "v": 7}
    add(raw, {"ev": "AM", "sym": "I:SPX", **prices, **times}, {"ev": "CA", "pair": "EUR/USD", **prices, **times})
    await consumed(massive, raw, until)
    for key in (f"massive:model:bar:I:SPX:{MINUTE}:AM", f"massive:model:bar:EUR/USD:{MINUTE}:CA"):
        assert {name: float(value) for name, value in texts(raw, key).items()} == {**prices, **times}
        assert raw.ttl(key) > 0
    assert spot(raw, "EUR/USD") == {"price": "2.5", "t": str(times["e"]), "q": "0"}


async def test_an_entry_that_cannot_be_read_is_settled_and_its_reason_kept(massive, raw, until):
    raw.xadd(STREAM, {"ts": 1, "payload": b"{oops"})
    raw.xadd(STREAM, {"something": "else"})
    add(raw, trade(price=3))
    pipeline = await consumed(massive, raw, until, counted=1)
    assert spot(raw)["price"] == "3.0"
    assert pipeline.counts.rejected == 2
    assert pipeline.counts.consumed == 1
    assert [rejected.excerpt for rejected in pipeline.rejected] == [b"{oops", b"something"]


async def test_sixty_cancellations_at_random_moments_neither_lose_nor_double_a_share(massive, raw, until):
    dice, volume = random.Random(2), Counter()

    async def feed():
        client = redis.asyncio.Redis.from_url(massive.buses.market)
        for n in range(1_500):
            events = [trade(dice.choice("ABC"), size=dice.randrange(1, 100), at=n, q=n) for _ in range(5)]
            volume.update({event["sym"]: 0 for event in events})
            for event in events:
                volume[event["sym"]] += event["s"]
            await client.xadd(STREAM, {"ts": n, "payload": msgspec.json.encode(events)})
        await client.aclose()

    async with anyio.create_task_group() as group:
        group.start_soon(feed)
        for _ in range(60):
            scope = await start(group, massive, Pipeline(1))
            await anyio.sleep(dice.random() * 0.02)
            scope.cancel()
    await consumed(massive, raw, until)
    assert {symbol: bar(raw, symbol)["v"] for symbol in "ABC"} == volume


PROCESS = """
import sys, anyio, msgspec
from services.massive.config import Massive
from services.massive.pipeline import Pipeline
from services.massive.workers import consume
config = msgspec.json.decode(sys.stdin.buffer.read(), type=Massive)
anyio.run(lambda: consume.run(config, Pipeline(1), task_status=anyio.TASK_STATUS_IGNORED))
"""


async def test_a_killed_process_neither_loses_nor_doubles_a_share(massive, raw, until):
    dice, volume = random.Random(3), Counter()
    for n in range(8_000):
        symbol, size = dice.choice("ABC"), dice.randrange(1, 100)
        volume[symbol] += size
        add(raw, trade(symbol, size=size, at=n % 60_000, q=n))
    kills = 0
    for settled in (1, 500, 1_500, 2_500):
        process = subprocess.Popen([sys.executable, "-c", PROCESS], stdin=subprocess.PIPE)
        process.stdin.write(msgspec.json.encode(massive))
        process.stdin.close()
        await until(lambda settled=settled: sum(bar(raw, symbol).get("n", 0) for symbol in "ABC") >= settled)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    before = sum(bar(raw, symbol)["n"] for symbol in "ABC")
    await consumed(massive, raw, until)
    assert kills == 4
    assert before < 8_000
    assert {symbol: bar(raw, symbol)["v"] for symbol in "ABC"} == volume


async def test_a_batch_that_runs_late_twice_counts_once(massive, raw, until):
    """The script of a dead incarnation may run after its successor has read the same entries."""
    add(raw, trade(size=5))
    client = redis.asyncio.Redis.from_url(massive.buses.market)
    former, latter = (consume._Consumer(massive, Pipeline(1), client) for _ in range(2))
    await consumer_group.join(client, STREAM, GROUP)
    entries, _ = await former.reader.read_new()
    await former._settle(entries)
    await latter._settle(entries)
    await client.aclose()
    assert bar(raw)["v"] == 5
    assert latter._pipeline.counts.consumed == 0


async def test_entries_that_were_given_to_a_dead_connection_are_settled_by_the_living(massive, raw, until):
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, Pipeline(1))
        await anyio.sleep(0.05)
        add(raw, trade(size=3))
        await until(lambda: is_settled(raw) and bar(raw))
        with raw.pipeline(transaction=True) as taken_away:
            add(taken_away, trade(size=4, q=2))
            taken_away.xreadgroup(GROUP, consume.CONSUMER, {STREAM: ">"})
            _, given = taken_away.execute()
        assert given
        add(raw, trade(size=8, q=3))
        await until(lambda: bar(raw)["v"] == 15)
        scope.cancel()
    assert pending(raw) == 0


async def test_entries_that_a_consumer_of_another_name_left_behind_are_taken_over(massive, raw, until, monkeypatch):
    monkeypatch.setattr(consumer_group, "CLAIM_AFTER", 0)
    raw.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    add(raw, trade(size=4))
    raw.xreadgroup(GROUP, "renamed", {STREAM: ">"})
    await consumed(massive, raw, until)
    assert bar(raw)["v"] == 4


async def test_entries_that_the_limit_cut_off_are_counted_whether_read_before_or_not(massive, raw, until):
    raw.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    for n in range(10):
        add(raw, trade(size=1, q=n))
    raw.xreadgroup(GROUP, consume.CONSUMER, {STREAM: ">"}, count=3)
    raw.xtrim(STREAM, maxlen=2, approximate=False)
    pipeline = await consumed(massive, raw, until, counted=2)
    assert pipeline.counts.lost == 8
    assert pipeline.counts.consumed == 2
    assert bar(raw)["v"] == 2


async def test_a_group_that_was_there_before_goes_on_where_it_stopped(massive, raw, until):
    add(raw, trade(size=1))
    await consumed(massive, raw, until)
    add(raw, trade(size=2, q=2))
    await consumed(massive, raw, until)
    assert bar(raw)["v"] == 3


async def test_a_stop_while_it_waits_for_entries_takes_effect_at_once(massive, raw, until):
    async with anyio.create_task_group() as group:
        scope = await start(group, massive, Pipeline(1))
        await anyio.sleep(0.1)
        began = anyio.current_time()
        scope.cancel()
    assert anyio.current_time() - began < 0.5
    await until(lambda: len(raw.client_list()) == 1)


@pytest.mark.parametrize("lose", ["destroy", "delete", "flush"])
async def test_a_group_that_is_made_again_counts_nothing_twice_and_leaves_nothing_out(massive, raw, until, lose):
    for n in range(200):
        add(raw, trade(size=1, at=n, q=n))
    await consumed(massive, raw, until)
    match lose:
        case "destroy":
            raw.xgroup_destroy(STREAM, GROUP)
        case "delete":
            raw.delete(STREAM)
        case "flush":
            raw.flushall()
    for n in range(200, 210):
        add(raw, trade(size=1, at=n, q=n))
    await consumed(massive, raw, until)
    assert bar(raw)["v"] == (10 if lose == "flush" else 210)


async def test_a_group_that_vanishes_under_the_consumer_is_made_again_behind_what_was_settled(massive, raw, until):
    shared, events = SharedServices.make(massive), EventRecorder()
    (consumer,) = [spec for spec in tree(massive, shared).children[1].children if spec.id == "redis_consumer"]
    async with open_supervisor(supervisor("root", children=[replace(consumer, needs=())]), hooks=[events]):
        for n in range(20):
            add(raw, trade(size=1, at=n, q=n))
        await until(lambda: bar(raw).get("v") == 20)
        raw.xgroup_destroy(STREAM, GROUP)
        add(raw, trade(size=1, at=20, q=20))
        await until(lambda: bar(raw)["v"] == 21)
        assert [event.verdict for event in events.of(ChildRestarting)] == ["group_gone"]
    await shared.aclose()


async def test_a_stream_that_begins_anew_with_earlier_ids_is_read_from_its_beginning(massive, raw, until):
    add(raw, trade(size=1))
    await consumed(massive, raw, until)
    raw.delete(STREAM)
    for n in (1, 2):
        raw.xadd(STREAM, {"ts": 1, "payload": msgspec.json.encode([trade(size=1, q=n)])}, id=f"{n}-0")
    await consumed(massive, raw, until)
    assert bar(raw)["v"] == 3
    assert raw.get("massive:settled:massive:ws:stream") == b"2-0"
