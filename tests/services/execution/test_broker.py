"""The paper broker on its socket: orders by their customers' ids, fills, misbehaviour, death."""

import stat
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from services.execution.broker import client
from services.execution.broker.book import Book, BrokerClients
from services.execution.broker.protocol import Submit
from services.execution.errors import BrokerConfused, BrokerSilent, BrokerUnavailable

ORDER = Submit(id="o1", symbol="GOOG", side="buy", quantity=10)


async def fills_of(customer, count, after="0-0"):
    """Ask until there are so many."""
    found, cursor = [], after
    with anyio.fail_after(5):
        while len(found) < count:
            page = await customer.fills(after=cursor, wait=1.0)
            found += page.fills
            cursor = page.cursor
    return found


async def test_an_order_is_accepted_and_filled_at_the_price(run_broker):
    async with run_broker() as customer:
        answer = await customer.submit(ORDER)
        (fill,) = await fills_of(customer, 1)
    assert (answer.id, answer.status, answer.reason) == ("o1", "accepted", "")
    assert (fill.id, fill.order, fill.symbol, fill.side) == ("o1:1", "o1", "GOOG", "buy")
    assert (fill.quantity, fill.price) == (10, 100.0)


async def test_the_same_id_again_gets_the_first_answer_and_no_second_fill(run_broker, raw):
    async with run_broker() as customer:
        first = await customer.submit(ORDER)
        assert await customer.submit(ORDER) == first
        assert len(await fills_of(customer, 1)) == 1
    async with run_broker() as customer:
        assert await customer.submit(ORDER) == first
        await customer.submit(replace(ORDER, id="o2"))
        assert [fill.order for fill in await fills_of(customer, 2)] == ["o1", "o2"]
    assert raw.xlen("broker:fills") == 2
    assert raw.get("broker:ids") == b"2"


async def test_an_id_that_belongs_to_another_order_is_a_mistake_and_no_order(run_broker):
    async with run_broker() as customer:
        await customer.submit(ORDER)
        for other in ({"quantity": 11}, {"symbol": "AAPL"}, {"side": "sell"}):
            with pytest.raises(BrokerConfused, match="belongs to another order"):
                await customer.submit(replace(ORDER, **other))


@pytest.mark.parametrize(("quantity", "slices", "parts"), [(10, 3, [3, 3, 4]), (2, 5, [1, 1]), (7, 1, [7])])
async def test_an_order_is_filled_in_as_many_parts_as_asked_for(run_broker, quantity, slices, parts):
    async with run_broker() as customer:
        await customer.submit(replace(ORDER, quantity=quantity, slices=slices))
        fills = await fills_of(customer, len(parts))
    assert [fill.quantity for fill in fills] == parts
    assert [fill.id for fill in fills] == [f"o1:{n + 1}" for n in range(len(parts))]


async def test_without_fixed_prices_an_order_waits_for_the_last_price_on_market_redis(execution, run_broker, raw):
    config = replace(execution.broker, prices=None, price_interval=0.01)
    async with run_broker(config) as customer:
        await customer.submit(ORDER)
        await customer.submit(replace(ORDER, id="o2", symbol="AAPL"))
        raw.hset("massive:model:spot:AAPL", mapping={"price": "51.25", "t": "1", "q": "1"})
        (fill,) = await fills_of(customer, 1)
        assert (fill.order, fill.price) == ("o2", 51.25)
        raw.hset("massive:model:spot:GOOG", "price", "101.5")
        (_, fill) = await fills_of(customer, 2)
        assert (fill.order, fill.price) == ("o1", 101.5)


async def test_what_a_dead_broker_accepted_the_next_one_fills(execution, run_broker, raw):
    config = replace(execution.broker, prices=None)
    async with run_broker(config) as customer:
        await customer.submit(ORDER)
    assert raw.zcard("broker:open") == 1
    async with run_broker() as customer:
        assert [fill.order for fill in await fills_of(customer, 1)] == ["o1"]
    assert not raw.exists("broker:open")


async def test_fills_are_told_from_a_cursor_on_and_waited_for_no_longer_than_asked(run_broker):
    async with run_broker() as customer:
        assert (await customer.fills(after="0-0", wait=0.01)).fills == ()
        await customer.submit(ORDER)
        await fills_of(customer, 1)
        page = await customer.fills(after="0-0", wait=0)
        rest = await customer.fills(after=page.cursor, wait=0)
        assert (rest.fills, rest.cursor) == ((), page.cursor)


async def test_a_slice_that_two_brokers_fill_at_once_is_filled_once(execution, raw):
    clients = BrokerClients.make(execution.buses)
    book = Book(execution.broker.keys, clients)
    await book.submit(replace(ORDER, slices=2))
    (order,) = await book.open_orders()
    assert await book.fill_next(order, 100.0)
    assert not await book.fill_next(order, 100.0)
    assert raw.xlen("broker:fills") == 1
    await clients.aclose()


# ------------------------------------------------------------------------------------------------ misbehaviour


async def test_told_to_drop_the_connection_before_it_acts_it_has_not_acted(execution, run_broker, raw):
    async with run_broker() as customer:
        await customer.misbehave("drop_before")
        with pytest.raises(BrokerUnavailable):
            await customer.submit(ORDER)
        assert not raw.exists("broker:order:o1")
        async with client.connected(execution.broker) as again:
            assert (await again.submit(ORDER)).status == "accepted"


async def test_told_to_drop_the_connection_after_it_acted_it_has_acted_once(execution, run_broker, raw):
    async with run_broker() as customer:
        await customer.misbehave("drop_after")
        with pytest.raises(BrokerUnavailable):
            await customer.submit(ORDER)
        assert raw.exists("broker:order:o1")
        async with client.connected(execution.broker) as again:
            await again.submit(ORDER)
            await fills_of(again, 1)
    assert raw.xlen("broker:fills") == 1


async def test_told_to_answer_late_it_is_silent_for_a_customer_who_does_not_wait(execution, run_broker):
    async with run_broker(), client.connected(replace(execution.broker, timeout=0.2)) as hasty:
        await hasty.misbehave("late", seconds=30)
        with pytest.raises(BrokerSilent) as raised:
            await hasty.submit(ORDER)
        assert raised.value.seconds == 0.2


async def test_told_to_refuse_it_refuses_that_order_for_ever_and_no_other(run_broker, raw):
    async with run_broker() as customer:
        await customer.misbehave("refuse")
        refused = await customer.submit(ORDER)
        assert (refused.status, refused.reason) == ("refused", "told to refuse it")
        assert (await customer.submit(replace(ORDER, id="o2"))).status == "accepted"
        assert await customer.submit(ORDER) == refused
        assert [fill.order for fill in await fills_of(customer, 1)] == ["o2"]


async def test_a_broker_that_was_not_started_for_it_does_not_misbehave(execution, run_broker):
    async with run_broker(replace(execution.broker, faults=False)) as customer:
        with pytest.raises(BrokerConfused, match="not started for that"):
            await customer.misbehave("refuse")


# ------------------------------------------------------------------------------------------------ the socket


@pytest.mark.parametrize(
    "line",
    [b"{oops", b"[]", b'{"type":"steal"}', b'{"type":"submit","id":"o1","symbol":"GOOG","side":"buy","quantity":0}'],
)
async def test_what_is_no_request_gets_an_answer_that_says_so_and_the_connection_lives(execution, run_broker, line):
    async with run_broker(), await anyio.connect_unix(execution.broker.socket) as stream:
        for _ in range(2):
            await stream.send(line + b"\n")
            with anyio.fail_after(5):
                assert (await stream.receive()).startswith(b'{"type":"problem"')


async def test_a_line_without_end_ends_the_connection_and_nobody_elses(execution, run_broker):
    async with run_broker() as customer, await anyio.connect_unix(execution.broker.socket) as stream:
        with anyio.fail_after(10), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            for _ in range(64):
                await stream.send(b"x" * 65_536)
            await stream.receive()
        await customer.ping()


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"answer","id":"other","broker_id":"x","status":"accepted"}',
        b'{"type":"pong"}',
        b"{oops",
        b'{"type":"problem","message":"no"}',
    ],
)
async def test_an_answer_that_is_none_to_the_question_is_not_taken_for_one(execution, line):
    async def answer(stream):
        async with stream:
            await stream.receive()
            await stream.send(line + b"\n")
            await anyio.sleep_forever()

    async with (
        await anyio.create_unix_listener(execution.broker.socket) as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, answer)
        async with client.connected(execution.broker) as customer:
            with pytest.raises(BrokerConfused):
                await customer.submit(ORDER)
        group.cancel_scope.cancel()


async def test_the_socket_is_for_its_owner_alone(execution, run_broker):
    async with run_broker():
        assert stat.S_IMODE(Path(execution.broker.socket).stat().st_mode) == 0o600


async def test_without_a_broker_there_is_no_connection(execution):
    with pytest.raises(BrokerUnavailable, match=r"broker\.sock"):
        await client.answers(execution.broker)


async def test_when_the_books_are_away_the_broker_ends_and_its_probe_fails(execution, market, run_broker):
    with pytest.raises(BaseExceptionGroup):
        async with run_broker() as customer:
            await customer.ping()
            market.kill()
            with pytest.raises(BrokerUnavailable):
                await customer.ping()
            await anyio.sleep_forever()
    with pytest.raises(BrokerUnavailable):
        await client.answers(execution.broker)
