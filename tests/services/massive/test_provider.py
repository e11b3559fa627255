"""The provider speaks the vendor's protocol, counts what it sends, and misbehaves on command."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import asynccontextmanager

import pytest
from massive import WebSocketClient
from massive.websocket.models import CurrencyAgg, EquityAgg, EquityQuote, EquityTrade
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus, ProtocolError

from services.massive.provider import ProviderConfig, open_provider
from services.massive.provider.commands import obey
from services.massive.provider.pace import Pace
from services.massive.provider.recording import recorded
from services.massive.provider.tape import Tape


def request(action, params):
    return json.dumps({"action": action, "params": params})


class Client:
    """A client that reads everything; events and statuses apart."""

    def __init__(self, socket):
        self.socket = socket
        self.statuses = []
        self.events = []

    async def read_until(self, condition):
        async with asyncio.timeout(5):
            while not condition():
                for item in json.loads(await self.socket.recv()):
                    (self.statuses if item["ev"] == "status" else self.events).append(item)

    async def expect(self, status, message):
        wanted = {"ev": "status", "status": status, "message": message}
        await self.read_until(lambda: wanted in self.statuses)

    async def closing(self):
        with pytest.raises(ConnectionClosed) as closed:
            await self.read_until(lambda: False)
        return closed.value

    async def ask(self, action, params):
        await self.socket.send(request(action, params))


@asynccontextmanager
async def client(provider, *channels, market="stocks", key="demo-key"):
    async with connect(f"{provider.url}/{market}", proxy=None, close_timeout=0.2) as socket:
        visitor = Client(socket)
        if key:
            await visitor.ask("auth", key)
        if channels:
            await visitor.ask("subscribe", ",".join(channels))
        yield visitor


async def test_it_greets_authenticates_and_acknowledges_pipelined_requests(provider):
    async with client(provider, "T.AAPL", " AM.*") as visitor:
        await visitor.expect("success", "subscribed to: AM.*")
    assert [(item["status"], item["message"]) for item in visitor.statuses] == [
        ("connected", "Connected Successfully"),
        ("auth_success", "authenticated"),
        ("success", "subscribed to: T.AAPL"),
        ("success", "subscribed to: AM.*"),
    ]


async def test_a_wrong_key_is_told_so_and_dropped_without_a_close_frame(provider):
    async with client(provider, key="wrong") as visitor:
        closed = await visitor.closing()
    assert visitor.statuses[-1]["status"] == "auth_failed"
    assert isinstance(closed, ConnectionClosedError)
    assert closed.rcvd is None


async def test_who_does_not_authenticate_in_time_is_told_so_and_dropped():
    async with open_provider(ProviderConfig(auth_timeout=0.05)) as provider, client(provider, key="") as visitor:
        closed = await visitor.closing()
    assert visitor.statuses[-1]["status"] == "auth_timeout"
    assert closed.rcvd is None


async def test_nothing_is_subscribed_before_authentication(provider):
    async with client(provider, "Q.AAPL", key="") as visitor:
        await visitor.expect("error", "not authorized")
        await visitor.ask("auth", "demo-key")
        await visitor.expect("auth_success", "authenticated")
    assert visitor.events == []


async def test_an_unknown_topic_is_not_answered_and_an_unknown_ticker_is_acknowledged_and_silent(provider):
    async with client(provider, "XX.AAPL", "Q.NOBODY", "T.AAPL", "T.AAPL") as visitor:
        await visitor.expect("success", "subscribed to: T.AAPL")
        await visitor.read_until(lambda: len(visitor.events) > 20)
    told = [item["message"] for item in visitor.statuses]
    assert told[2:] == ["subscribed to: Q.NOBODY", "subscribed to: T.AAPL"]
    assert {event["sym"] for event in visitor.events} == {"AAPL"}


async def test_a_request_that_is_none_is_answered_with_an_error(provider):
    async with client(provider) as visitor:
        await visitor.socket.send("hello")
        await visitor.read_until(lambda: visitor.statuses and visitor.statuses[-1]["status"] == "error")
        assert visitor.statuses[-1]["message"].startswith("malformed request")


async def test_a_channel_given_back_is_silent(provider):
    async with client(provider, "Q.AAPL", "T.AAPL") as visitor:
        await visitor.read_until(lambda: {"Q", "T"} == {event["ev"] for event in visitor.events})
        await visitor.ask("unsubscribe", "Q.AAPL,Q.MSFT")
        await visitor.expect("success", "unsubscribed to: Q.AAPL")
        visitor.events.clear()
        await visitor.read_until(lambda: len(visitor.events) > 10)
    assert {event["ev"] for event in visitor.events} == {"T"}
    assert not any("Q.MSFT" in item["message"] for item in visitor.statuses)


async def test_a_topic_outside_the_plan_is_refused():
    config = ProviderConfig(withheld=frozenset({"Q"}))
    async with open_provider(config) as provider, client(provider, "Q.AAPL") as visitor:
        await visitor.expect("error", "not authorized")


async def test_a_market_that_does_not_exist_is_not_found(provider):
    with pytest.raises(InvalidStatus) as refused:
        async with client(provider, market="bonds"):
            pass
    assert refused.value.response.status_code == 404


async def test_the_events_are_numbered_without_a_gap_and_the_provider_knows_what_it_sent(provider):
    async with client(provider, "Q.*", "T.*", "AM.GOOG") as visitor:
        await visitor.read_until(lambda: len(visitor.events) > 1_000)
        provider.trickle(0)
        sent = provider.sent[0].channels
        await visitor.read_until(lambda: len(visitor.events) >= sum(tally.count for tally in sent.values()))
    numbers = defaultdict(list)
    for event in visitor.events:
        if event["ev"] != "AM":
            numbers[f"{event['ev']}.{event['sym']}"].append(event["q"])
    assert len(numbers) == 10
    for name, seen in numbers.items():
        assert seen == list(range(sent[name].first, sent[name].last + 1))
        assert sent[name].count == len(seen)


async def test_the_market_goes_on_while_nobody_listens(provider, until):
    async with client(provider, "Q.AAPL") as visitor:
        await visitor.read_until(lambda: len(visitor.events) > 10)
    await until(lambda: provider.connections == 0)
    last = provider.sent[0].channels["Q.AAPL"].last
    async with client(provider, "Q.AAPL") as visitor:
        await visitor.read_until(lambda: visitor.events)
    assert visitor.events[0]["q"] == provider.sent[1].channels["Q.AAPL"].first > last


async def test_real_prices_are_replayed_in_order_as_bars_of_rising_minutes():
    async with open_provider(ProviderConfig(rate=0, bar_rate=100)) as provider:
        async with client(provider, "AM.GOOG") as stocks, client(provider, "CA.*", market="forex") as forex:
            await stocks.read_until(lambda: len(stocks.events) > 10)
            await forex.read_until(lambda: len(forex.events) > 10)
        sent = provider.sent
    for visitor, symbol, tally in (
        (stocks, "GOOG", sent[0].channels["AM.GOOG"]),
        (forex, "EUR/USD", sent[1].channels["CA.EUR/USD"]),
    ):
        starts = [event["s"] for event in visitor.events]
        assert starts == [starts[0] + 60_000 * n for n in range(len(starts))]
        for number, event in enumerate(visitor.events, tally.first):
            bar = recorded()[symbol][number]
            assert [event[field] for field in "ohlcv"] == [
                float(price) for price in (bar.open, bar.high, bar.low, bar.close, bar.volume)
            ]


def test_the_same_seed_makes_the_same_prices_and_another_one_does_not():
    def prices(seed):
        tape = Tape(ProviderConfig(seed=seed))
        made = tape.advance(500, 0, tape.find("stocks", {"Q.*", "T.*"}))
        events = [json.loads(event) for _, batch in made for event in batch]
        return [{**event, "t": 0} for event in events]

    assert prices(7) == prices(7) != prices(8)


def test_options_trade_on_their_own_market():
    tape = Tape(ProviderConfig(symbols=("AAPL", "O:AAPL260116C00250000")))
    assert {channel.name for channel in tape.find("options", {"T.*", "Q.AAPL"})} == {"T.O:AAPL260116C00250000"}
    made = tape.advance(10, 0, tape.find("options", {"T.*"}))
    assert "z" not in json.loads(made[0][1][0])


def test_the_pace_holds_however_late_it_is_asked_and_makes_up_for_one_second_at_most():
    pace = Pace(1_000, now=10.0)
    assert sum(pace.take(10.0 + late) for late in (0.0007, 0.0131, 0.3, 0.9, 1.7, 2.6, 3.0)) == 3_000
    assert pace.next_at() == pytest.approx(13.001)
    assert pace.take(60.0) == 1_000
    assert pace.take(60.5) == 500
    pace.change(0, now=61.0)
    assert pace.take(99.0) == 0


async def test_fifty_thousand_events_a_second_come_out_on_time():
    async with open_provider(ProviderConfig(rate=50_000)) as provider, client(provider, "Q.*", "T.*") as visitor:
        await visitor.expect("auth_success", "authenticated")
        began, frames = time.monotonic(), 0
        while time.monotonic() < began + 0.5:
            await visitor.socket.recv()
            frames += 1
        sent = sum(tally.count for tally in provider.sent[0].channels.values())
        assert 0.8 * 25_000 < sent < 1.3 * 25_000
        assert frames < sent / 20


async def test_the_older_connection_of_a_key_is_evicted(provider):
    async with client(provider, "Q.*") as older, client(provider, "Q.*") as newer:
        closed = await older.closing()
        await newer.read_until(lambda: newer.events)
    assert older.statuses[-1]["status"] == "max_connections"
    assert closed.rcvd.code == 1008


async def test_or_the_newcomer_is_refused_once_it_has_subscribed():
    async with open_provider(ProviderConfig(excess="refuse")) as provider, client(provider, "Q.*") as older:
        await older.read_until(lambda: older.events)
        async with client(provider, "Q.*") as newer:
            closed = await newer.closing()
        older.events.clear()
        await older.read_until(lambda: older.events)
    assert [item["status"] for item in newer.statuses][1:] == ["auth_success", "success", "max_connections"]
    assert closed.rcvd.code == 1008


async def test_each_market_counts_its_own_connections(provider):
    async with client(provider, "Q.*") as stocks, client(provider, "CA.*", market="forex") as forex:
        await forex.read_until(lambda: forex.events)
        stocks.events.clear()
        await stocks.read_until(lambda: stocks.events)


async def test_a_client_that_does_not_read_is_cut_off(until):
    config = ProviderConfig(rate=50_000, backlog=1_000)
    async with open_provider(config) as provider, client(provider, "Q.*", "T.*"):
        # Nobody calls recv: the client's buffers fill, then the kernel's, then the provider's.
        await until(lambda: provider.sent and provider.sent[0].closed is not None, seconds=10)


@pytest.mark.parametrize("words", [(42,), (1006, "no such frame")])
async def test_a_code_that_nobody_may_send_is_an_error(provider, words):
    with pytest.raises(ProtocolError):
        await provider.close_all(*words)
    with pytest.raises(ProtocolError):
        provider.turn_away(*words)


async def test_at_the_end_everyone_is_sent_away_with_1001_and_the_silent_are_dropped():
    async with open_provider() as provider:
        deaf = await connect(f"{provider.url}/stocks", proxy=None)
        await deaf.recv()
        provider.go_silent()
        polite = await connect(f"{provider.url}/stocks", proxy=None)
        began = time.monotonic()
    assert time.monotonic() - began < 0.9
    await asyncio.gather(deaf.wait_closed(), polite.wait_closed())
    assert (polite.close_code, deaf.close_code) == (1001, 1006)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frame_events": 0}, "frame_events: expected 1 or more, got 0"),
        ({"rate": -1.0}, "rate: expected events per second"),
        ({"symbols": ("I:SPX",)}, "symbols: expected stocks .* got 'I:SPX'"),
    ],
)
def test_a_config_that_cannot_be_says_what_was_expected(wrong, message):
    with pytest.raises(ValueError, match=message):
        ProviderConfig(**wrong)


async def test_the_faults_are_lines_of_text_too(provider):
    async with client(provider, "Q.*") as visitor:
        await visitor.read_until(lambda: visitor.events)
        assert json.loads(await obey(provider, "sent"))[0]["connection"] == 1
        assert await obey(provider, "close 1012 service restart") == "ok close 1012 service restart"
        closed = await visitor.closing()
    assert (closed.rcvd.code, closed.rcvd.reason) == (1012, "service restart")


@pytest.mark.parametrize("line", ["", "bogus", "close", "close soon", "close 42", "oversize", "trickle much", "raw '"])
async def test_a_line_that_is_no_command_is_answered_with_what_there_is(provider, line):
    assert (await obey(provider, line)).startswith("error: ")


def test_it_runs_alone_obeys_its_standard_input_and_ends_with_it():
    command = [sys.executable, "-m", "services.massive.provider", "--port", "0"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().startswith("ws://127.0.0.1:")
        process.stdin.write("trickle 5\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ok trickle 5\n"
        process.stdin.close()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_alone_until_a_signal_when_nobody_can_send_lines(number):
    command = [sys.executable, "-m", "services.massive.provider", "--port", "0"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().startswith("ws://127.0.0.1:")
        os.kill(process.pid, number)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def vendor_client(provider, *channels, market="stocks"):
    """What the vendor's own client makes of our frames, one message of each kind."""
    messages = {}
    vendor = WebSocketClient(
        api_key="demo-key",
        feed=provider.url.removeprefix("ws://"),
        market=market,
        secure=False,
        subscriptions=list(channels),
    )

    async def take(batch):
        for message in batch:
            messages.setdefault(message.event_type, message)
        if len(messages) == len(channels):
            await vendor.close()

    async with asyncio.timeout(10):
        await vendor.connect(take, proxy=None)
    return messages


async def test_the_vendors_own_client_understands_our_trades_quotes_and_bars(provider):
    messages = await vendor_client(provider, "T.AAPL", "Q.AAPL", "AM.GOOG")
    trade, quote, bar = messages["T"], messages["Q"], messages["AM"]
    assert isinstance(trade, EquityTrade)
    assert (trade.symbol, trade.tape, trade.conditions) == ("AAPL", 3, [12])
    assert trade.id == str(trade.sequence_number)
    assert isinstance(quote, EquityQuote)
    assert quote.bid_price < quote.ask_price
    assert isinstance(bar, EquityAgg)
    assert bar.low <= bar.open <= bar.high
    assert bar.end_timestamp - bar.start_timestamp == 60_000


async def test_the_vendors_own_client_understands_our_currency_bars(provider):
    bar = (await vendor_client(provider, "CA.EUR/USD", market="forex"))["CA"]
    assert isinstance(bar, CurrencyAgg)
    assert (bar.pair, bar.low <= bar.close <= bar.high) == ("EUR/USD", True)
