"""submitter and fill_recorder with the paper broker: from an order's record to fills and positions."""

from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import msgspec
import pytest
from msgspec.structs import replace

from services.execution.broker.protocol import Fill, Fills
from services.execution.decision import order_id
from services.execution.errors import BrokerError, BrokerSilent, BrokerUnavailable
from services.execution.workers import record, submit


@pytest.fixture
def submitting(execution, shared, run_worker):
    """Run a submitter for the block."""

    def run(config=execution):
        return run_worker(submit.run, config, shared.producer, shared.blocking)

    return run


@pytest.fixture
def trading(execution, shared, deciding, submitting, run_worker):
    """decider, submitter and fill_recorder, running."""

    @asynccontextmanager
    async def running(config=execution):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(deciding(config))
            await stack.enter_async_context(submitting(config))
            await stack.enter_async_context(run_worker(record.run, config, shared.producer))
            yield

    return running


@pytest.fixture
async def order(send, deciding, look, until):
    """One order that is decided and no more; its id."""
    send("s1")
    async with deciding():
        await until(look.is_settled)
    return order_id("s1")


@pytest.fixture
def submitted(submitting, look, until):
    """Run a submitter until nothing waits for the broker any more."""

    async def run():
        async with submitting():
            await until(lambda: not look.raw.exists("execution:unsent"))

    return run


@pytest.fixture
def sliced(execution):
    """Orders are filled in three parts."""
    return replace(execution, broker=replace(execution.broker, slices=3))


async def test_signals_become_fills_and_positions(send, run_broker, trading, look, sliced):
    async with run_broker(), trading(sliced):
        send("s1", score=2)
        send("s2", symbol="AAPL", direction="down")
        send("s3", direction="down")
        await look.until(lambda: len(look.fills) == 9)
    assert look.positions == {"GOOG": 10, "AAPL": -10}
    first = look.record(order_id("s1"))
    assert (first["state"], first["filled"], first["quantity"]) == ("filled", "20", "20")
    assert {fill["price"] for fill in look.fills if fill["symbol"] == "AAPL"} == {50.0}
    assert not look.raw.exists("execution:open", "execution:unsent")
    assert set(look.raw.hvals("execution:exposure:buy")) == set(look.raw.hvals("execution:exposure:sell")) == {b"0"}
    assert 0 < look.raw.ttl(f"execution:order:{order_id('s1')}") <= sliced.record_ttl


async def test_an_order_that_is_accepted_waits_for_its_fills(order, run_broker, submitted, look, execution):
    async with run_broker(replace(execution.broker, prices=None)):
        await submitted()
    assert look.record(order)["state"] == "accepted"
    assert look.record(order)["broker_id"] == "paper-1"
    assert look.raw.zscore("execution:open", order)


async def test_a_refused_order_is_done_and_gives_its_room_back(order, run_broker, submitted, look, execution):
    async with run_broker() as customer:
        await customer.misbehave("refuse")
        await submitted()
    refused = look.record(order)
    assert (refused["state"], refused["reason"]) == ("refused", "told to refuse it")
    assert look.raw.hgetall("execution:exposure:buy") == {b"GOOG": b"0"}
    assert not look.raw.exists("execution:open")
    assert 0 < look.raw.ttl(f"execution:order:{order}") <= execution.record_ttl


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_when_the_connection_breaks_the_next_incarnation_submits_again(order, run_broker, submitted, look, fault):
    async with run_broker() as customer:
        await customer.misbehave(fault)
        with pytest.raises(BaseExceptionGroup) as raised:
            await submitted()
        assert raised.group_contains(BrokerUnavailable)
        assert look.raw.zscore("execution:unsent", order)
        await submitted()
    assert look.record(order)["broker_id"] == "paper-1"
    assert look.raw.get("broker:ids") == b"1"


async def test_an_answer_that_is_late_counts_as_none_and_the_order_is_submitted_again(
    order, run_broker, execution, submitting, submitted
):
    hasty = replace(execution, broker=replace(execution.broker, timeout=0.2))
    async with run_broker() as customer:
        await customer.misbehave("late", seconds=30)
        with pytest.raises(BaseExceptionGroup) as raised:
            async with submitting(hasty):
                await anyio.sleep_forever()
        assert raised.group_contains(BrokerSilent)
        await submitted()


async def test_the_kill_switch_holds_back_orders_that_were_not_submitted(
    order, run_broker, submitting, look, monkeypatch
):
    monkeypatch.setattr(submit, "HALT_INTERVAL", 0.01)
    look.raw.set("execution:halted", "1")
    seen = look.raw.info("commandstats").get("cmdstat_exists", {"calls": 0})["calls"]
    async with run_broker(), submitting():
        await look.until(lambda: look.raw.info("commandstats")["cmdstat_exists"]["calls"] > seen + 10)
        assert not look.raw.exists("broker:ids")
        look.raw.delete("execution:halted")
        await look.until(lambda: not look.raw.exists("execution:unsent"))
    assert look.record(order)["state"] == "accepted"


async def test_the_kill_switch_counts_between_two_orders_too(execution, shared, order, run_broker, look):
    async with run_broker() as customer:
        submitter = submit._Submitter(execution, shared.producer, shared.blocking, customer)
        look.raw.set("execution:halted", "1")
        assert not await submitter._submit(order)
        assert not look.raw.exists("broker:ids")
        look.raw.delete("execution:halted")
        assert await submitter._submit(order)


async def test_an_order_wakes_a_submitter_that_waits(run_broker, trading, send, look, until):
    async with run_broker(), trading():
        for n in range(3):
            send(f"s{n}")
            await until(lambda n=n: len(look.fills) == n + 1, within=1.5)


async def test_without_a_broker_both_end_and_lose_nothing(execution, shared, run_worker, order, look):
    for run, *args in (
        (submit.run, execution, shared.producer, shared.blocking),
        (record.run, execution, shared.producer),
    ):
        with pytest.raises(BaseExceptionGroup) as raised:
            async with run_worker(run, *args):
                await anyio.sleep_forever()
        assert raised.group_contains(BrokerError)
    assert look.raw.zscore("execution:unsent", order)


# ------------------------------------------------------------------------------------------------ fills, once


def fill_of(order, n=1, quantity=4):
    return Fill(id=f"{order}:{n}", order=order, symbol="GOOG", side="buy", quantity=quantity, price=100.0, at=1.5)


@pytest.fixture
def make_recorder(execution, shared):
    """The inside of one incarnation, that is told its fills here."""
    return lambda: record._Recorder(execution, shared.producer, None)


async def test_a_fill_that_is_told_twice_is_recorded_once(order, make_recorder, look):
    recorder = make_recorder()
    first, both = (fill_of(order),), (fill_of(order), fill_of(order, 2, 6))
    await recorder._write("0-0", Fills(fills=first, cursor="1-0"))
    assert look.record(order)["state"] == "partly_filled"
    await recorder._write("0-0", Fills(fills=both, cursor="2-0"))
    assert look.raw.get("execution:fills:cursor") == b"1-0"  # it was not where that step believed it to be
    await recorder._write("1-0", Fills(fills=both, cursor="2-0"))
    assert look.raw.get("execution:fills:cursor") == b"2-0"
    assert [fill["id"] for fill in look.fills] == [f"{order}:1", f"{order}:2"]
    assert look.positions == {"GOOG": 10}
    assert look.record(order)["state"] == "filled"


async def test_a_fill_that_comes_before_the_answer_is_recorded_and_the_answer_changes_nothing(
    order, make_recorder, look, run_broker, submitted
):
    recorder = make_recorder()
    await recorder._write("0-0", Fills(fills=(fill_of(order, quantity=10),), cursor="1-0"))
    assert look.raw.zscore("execution:unsent", order)
    async with run_broker():
        await submitted()
    assert (look.record(order)["state"], look.record(order)["broker_id"]) == ("filled", "paper-1")


async def test_a_fill_of_an_order_that_is_not_ours_is_kept_and_moves_no_position(make_recorder, look):
    recorder = make_recorder()
    for _ in range(2):
        await recorder._write("0-0", Fills(fills=(fill_of("theirs"),), cursor="1-0"))
    ((_, fields),) = look.raw.xrange("execution:rejected")
    assert msgspec.json.decode(fields[b"excerpt"])["id"] == "theirs:1"
    assert not look.positions
    assert not look.fills
    assert not look.raw.exists("execution:order:theirs")
