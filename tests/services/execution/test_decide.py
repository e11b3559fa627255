"""decider: what becomes of signals on the bus."""

import time

import anyio
import msgspec
import pytest
import redis
from msgspec.structs import replace

from services.execution.decision import Proposal, order_id
from services.execution.workers import decide
from tests.services.execution.conftest import WIDE

GROUP = "execution"


@pytest.fixture
def decided(execution, deciding, board, look, until):
    """Run a decider until all signals are settled."""

    async def run(limits=None, config=execution):
        board.post(limits or config.limits)
        async with deciding(config):
            await until(look.is_settled)

    return run


@pytest.fixture
def make_decider(execution, board, shared):
    """The inside of one incarnation."""
    return lambda: decide._Decider(execution, board, shared.producer, shared.blocking)


async def test_a_signal_becomes_an_order_with_a_record_and_waits_for_the_broker(send, decided, look, raw):
    send("s1", score=1.5)
    await decided()
    (order,) = look.orders
    id = order_id("s1")
    assert order.pop("at") == pytest.approx(time.time(), abs=60)
    assert order == {
        "id": id, "signal": "s1", "symbol": "GOOG", "side": "buy", "quantity": 15, "price": 99.5, "score": 1.5,
    }  # fmt: skip
    record = look.record(id)
    assert (record["state"], record["quantity"], record["filled"]) == ("decided", "15", "0")
    assert raw.zrange("execution:unsent", 0, -1) == raw.zrange("execution:open", 0, -1) == [id.encode()]
    assert raw.hgetall("execution:exposure:buy") == {b"GOOG": b"15"}


async def test_a_signal_that_comes_twice_gets_one_order(send, decided, look):
    send("s1")
    send("s1")
    await decided()
    send("s1")
    await decided()
    assert [order["signal"] for order in look.orders] == ["s1"]


async def test_signals_from_before_the_group_was_made_are_read(send, decided, look):
    for n in range(120):
        send(f"s{n}")
    await decided()
    assert [order["signal"] for order in look.orders] == [f"s{n}" for n in range(120)]


async def test_a_group_that_is_made_again_decides_nothing_twice_and_leaves_nothing_out(send, decided, look, raw):
    """Also of what left no record of its own: a signal without an order, an entry that is no signal."""
    limits = replace(WIDE, minimum_score=0.5)
    send("weak", score=0.1)
    send("s1")
    raw.xadd("intel:signals", {"signal": b"{oops"})
    await decided(limits)
    raw.xgroup_destroy("intel:signals", GROUP)
    raw.delete(f"execution:order:{order_id('s1')}")  # its time is over
    send("s2")
    await decided(limits)
    assert [order["signal"] for order in look.orders] == ["s1", "s2"]
    assert raw.xlen("execution:declined") == raw.xlen("execution:rejected") == 1


# ------------------------------------------------------------------------------------------------ limits


async def test_the_minimum_score_and_the_maximum_quantity_hold(send, decided, look):
    send("weak", score=0.9)
    send("strong", score=9)
    await decided(replace(WIDE, minimum_score=1.0, max_quantity=42))
    assert [(order["signal"], order["quantity"]) for order in look.orders] == [("strong", 42)]
    assert look.declined == {"weak": "minimum_score"}


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_orders_of_a_symbol_fill_up_its_position_limit_and_no_more(send, decided, look, direction):
    for n in range(4):
        send(f"s{n}", score=1, direction=direction)
    send("other", symbol="AAPL", direction=direction)
    await decided(replace(WIDE, max_position=25))
    assert [(order["signal"], order["quantity"]) for order in look.orders] == [
        ("s0", 10), ("s1", 10), ("s2", 5), ("other", 10),
    ]  # fmt: skip
    assert look.declined == {"s3": "max_position"}


@pytest.mark.parametrize(("position", "rooms"), [(20, (5, 10)), (-20, (10, 5)), (25, (None, 10)), (-30, (10, None))])
async def test_a_position_leaves_room_for_what_makes_it_smaller(send, decided, look, position, rooms):
    look.raw.hset("execution:positions", "GOOG", position)
    send("up")
    send("down", direction="down")
    await decided(replace(WIDE, max_position=25))
    quantities = {order["signal"]: order["quantity"] for order in look.orders}
    assert (quantities.get("up"), quantities.get("down")) == rooms


async def test_open_orders_of_the_other_side_make_no_room_for_they_may_not_be_filled(send, decided, look):
    send("buy", score=2.5)
    send("sell", score=2.5, direction="down")
    send("buy again", score=1)
    await decided(replace(WIDE, max_position=25))
    assert look.declined == {"buy again": "max_position"}


async def test_orders_per_minute_hold_over_all_symbols_and_the_minute_passes(send, decided, look, raw):
    limits = replace(WIDE, orders_per_minute=3)
    for n in range(5):
        send(f"s{n}", symbol=f"SYM{n}")
    await decided(limits)
    assert len(look.orders) == 3
    assert look.declined == {"s3": "orders_per_minute", "s4": "orders_per_minute"}
    for id, at in raw.zrange("execution:recent", 0, -1, withscores=True)[:2]:
        raw.zadd("execution:recent", {id: at - 60})
    for n in range(5, 8):
        send(f"s{n}")
    await decided(limits)
    assert [order["signal"] for order in look.orders[3:]] == ["s5", "s6"]


async def test_the_limits_on_the_board_hold_from_the_next_signal_on(send, look, board, deciding, until):
    async with deciding():
        send("before")
        await until(lambda: len(look.orders) == 1)
        board.post(replace(WIDE, minimum_score=5.0))
        send("after")
        await until(lambda: look.declined == {"after": "minimum_score"})


# ------------------------------------------------------------------------------------------------ sentiment


async def test_sentiment_on_the_bus_counts_until_it_is_stale(send, decided, look, raw):
    raw.hset("sentiment:symbol:GOOG", mapping={"score": 0.5, "weight": 3, "at": time.time()})
    raw.hset("sentiment:symbol:AAPL", mapping={"score": -1, "weight": 3, "at": time.time()})
    raw.hset("sentiment:symbol:MSFT", mapping={"score": -1, "weight": 3, "at": time.time() - 100})
    for symbol in ("GOOG", "AAPL", "MSFT", "NONE"):
        send(symbol, symbol=symbol)
    await decided(replace(WIDE, sentiment_age=60.0))
    assert {order["symbol"]: order["quantity"] for order in look.orders} == {"GOOG": 15, "MSFT": 10, "NONE": 10}
    assert look.declined == {"AAPL": "sentiment_veto"}


# ------------------------------------------------------------------------------------------------ the kill switch


def looks_at_the_switch(raw):
    return raw.info("commandstats").get("cmdstat_exists", {"calls": 0})["calls"]


async def test_the_kill_switch_stops_new_orders_and_loses_no_signal(send, look, deciding, until, monkeypatch):
    monkeypatch.setattr(decide, "HALT_INTERVAL", 0.01)
    async with deciding():
        send("before")
        await until(lambda: len(look.orders) == 1)
        look.raw.set("execution:halted", "by hand")
        for n in range(10):
            send(f"s{n}")
        seen = looks_at_the_switch(look.raw)
        await until(lambda: looks_at_the_switch(look.raw) > seen + 10)
        assert len(look.orders) == 1
        look.raw.delete("execution:halted")
        await until(lambda: len(look.orders) == 11)
    assert not look.declined


async def test_a_decider_that_starts_while_halted_settles_later_what_its_predecessor_left(
    send, look, deciding, until, monkeypatch
):
    raw = look.raw
    monkeypatch.setattr(decide, "HALT_INTERVAL", 0.01)
    send("s1")
    raw.xgroup_create("intel:signals", GROUP, id="0")
    raw.xreadgroup(GROUP, decide.CONSUMER, {"intel:signals": ">"})
    raw.set("execution:halted", "1")
    seen = looks_at_the_switch(raw)
    async with deciding():
        await until(lambda: looks_at_the_switch(raw) > seen + 10)
        assert raw.xpending("intel:signals", GROUP)["pending"] == 1
        assert not look.orders
        raw.delete("execution:halted")
        await until(lambda: len(look.orders) == 1)


async def test_the_step_that_makes_an_order_looks_at_the_kill_switch_itself(send, look, raw, make_decider):
    decider = make_decider()
    raw.xgroup_create("intel:signals", GROUP, id="0", mkstream=True)
    send("s1")
    entries = await decider._read(">")
    raw.set("execution:halted", "1")
    assert not await decider._settle(entries)
    assert not look.orders
    assert raw.xpending("intel:signals", GROUP)["pending"] == 1


# ------------------------------------------------------------------------------------------------ poison, late scripts


async def test_what_is_no_signal_is_kept_with_its_reason_and_holds_up_nobody(send, decided, look, raw):
    raw.xadd("intel:signals", {"signal": b"{oops"})
    raw.xadd("intel:signals", {"something": "else"})
    raw.xadd("intel:signals", {"signal": b'{"id":"s","symbol":"A","score":1e999}'})
    send("good")
    await decided()
    assert [order["signal"] for order in look.orders] == ["good"]
    rejected = [(fields[b"reason"], fields[b"excerpt"]) for _, fields in raw.xrange("execution:rejected")]
    assert [excerpt for _, excerpt in rejected] == [b"{oops", b"something", b'{"id":"s","symbol":"A","score":1e999}']
    assert all(reason for reason, _ in rejected)
    assert not look.declined


async def test_an_entry_that_the_limit_of_the_stream_cut_off_is_told(send, decided, raw, look):
    raw.xgroup_create("intel:signals", GROUP, id="0", mkstream=True)
    send("cut")
    raw.xreadgroup(GROUP, decide.CONSUMER, {"intel:signals": ">"})
    raw.xtrim("intel:signals", maxlen=0, approximate=False)
    await decided()
    ((_, fields),) = raw.xrange("execution:rejected")
    assert b"cut off" in fields[b"reason"]


async def test_a_step_of_a_dead_incarnation_that_runs_late_changes_nothing(send, raw, make_decider, look):
    former, latter = make_decider(), make_decider()
    raw.xgroup_create("intel:signals", GROUP, id="0", mkstream=True)
    id = send("s1")
    raw.xadd("intel:signals", {"signal": b"{oops"})
    entries = await former._read(">")
    await latter._settle(entries)
    raw.delete(f"execution:order:{order_id('s1')}")  # so that only the acknowledgement can tell
    await former._settle(entries)
    assert len(look.orders) == 1
    assert raw.xlen("execution:rejected") == 1
    proposal = Proposal(id="x", signal="s1", symbol="GOOG", side="buy", quantity=1, price=1.0, score=1.0)
    assert await former._order(id, proposal, msgspec.json.encode(WIDE)) == b"stale"


async def test_signals_that_a_consumer_of_another_name_left_behind_are_taken_over(
    send, decided, raw, look, monkeypatch
):
    monkeypatch.setattr(decide, "CLAIM_AFTER", 0)
    raw.xgroup_create("intel:signals", GROUP, id="0", mkstream=True)
    send("s1")
    raw.xreadgroup(GROUP, "renamed", {"intel:signals": ">"})
    await decided()
    assert len(look.orders) == 1


async def test_streams_and_notes_are_kept_short(send, decided, raw, execution):
    short = replace(execution, stream_maxlen=100, notes_maxlen=100)
    for n in range(600):
        send(f"s{n}", score=1.0 if n % 2 else 0.1)
    await decided(config=short)
    assert 100 <= raw.xlen("execution:orders") < 300
    assert 100 <= raw.xlen("execution:declined") < 300


async def test_a_lost_server_ends_it_with_the_clients_error(deciding, market):
    with pytest.raises(BaseExceptionGroup) as raised:
        async with deciding():
            market.kill()
            await anyio.sleep_forever()
    assert raised.group_contains(redis.ConnectionError)
