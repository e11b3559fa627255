"""What we ask the provider, and what its frames hold."""

import json

import pytest

from services.massive.protocol import (
    BadFrame,
    Contents,
    Decoded,
    MinuteBar,
    PairBar,
    Quote,
    SecondBar,
    Status,
    Trade,
    authenticate,
    decode_events,
    inspect,
    subscribe,
    unsubscribe,
)

QUOTE = b'{"ev":"Q","sym":"AAPL","bx":4,"bp":114.1,"bs":2,"ax":7,"ap":114.2,"as":3,"c":0,"i":[604],"t":5,"q":9,"z":3}'
TRADE = b'{"ev":"T","sym":"AAPL","x":4,"i":"12","z":3,"p":114.1,"s":100,"c":[0,12],"t":5,"q":9,"ds":"100.5"}'
BAR = b'{"ev":"AM","sym":"GOOG","v":4,"av":9,"op":1,"vw":2.5,"o":2,"c":3,"h":4,"l":1,"a":2,"z":1,"s":60000,"e":120000}'
PAIR = b'{"ev":"CA","pair":"EUR/USD","v":4,"o":1.1,"c":1.2,"h":1.3,"l":1.0,"s":60000,"e":120000}'
STATUS = b'{"ev":"status","status":"success","message":"subscribed to: T.AAPL"}'
LULD = b'{"ev":"LULD","T":"AAPL","h":1,"l":2}'


def frame(*objects):
    return b"[" + b",".join(objects) + b"]"


def test_the_key_goes_into_one_object():
    assert json.loads(authenticate('k"1')) == {"action": "auth", "params": 'k"1'}


def test_channels_are_asked_for_and_given_back_in_order():
    assert [json.loads(request) for request in subscribe({"T.MSFT", "AM.*"})] == [
        {"action": "subscribe", "params": "AM.*,T.MSFT"}
    ]
    assert [json.loads(request) for request in unsubscribe(["T.MSFT"])] == [
        {"action": "unsubscribe", "params": "T.MSFT"}
    ]


def test_no_channels_make_no_request():
    assert list(subscribe(())) == []


def test_many_channels_are_split_so_that_no_request_is_over_a_megabyte():
    channels = {f"Q.O:SPXW261123C{n:08d}" for n in range(50_000)}
    requests = list(subscribe(channels))
    assert max(map(len, requests)) < 1_000_000
    assert {name for request in requests for name in json.loads(request)["params"].split(",")} == channels


@pytest.mark.parametrize(
    ("payload", "contents"),
    [
        (b"[]", Contents(0)),
        (frame(QUOTE, TRADE, BAR), Contents(3)),
        (frame(LULD), Contents(1)),
        (frame(STATUS), Contents(0, (Status("success", "subscribed to: T.AAPL"),))),
        (frame(STATUS, QUOTE), Contents(1, (Status("success", "subscribed to: T.AAPL"),))),
        (frame(QUOTE, b'{"ev":"ZZ"}', b'{"ev":"ZY"}'), Contents(3, (), ("ZZ", "ZY"))),
    ],
)
def test_a_frame_tells_its_events_its_statuses_and_the_unknown(payload, contents):
    assert inspect(payload) == contents


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b'{"ev":"T"}',
        b'[{"sym":"AAPL"}]',
        b"[1]",
        b'[{"ev":5}]',
        QUOTE,
        frame(QUOTE)[:-20],
        frame(QUOTE) + b"]",
        b'[{"ev":"\xff"}]',
        b'[{"ev":"T","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
    ],
)
@pytest.mark.parametrize("read", [inspect, decode_events])
def test_what_is_not_the_protocol_is_a_bad_frame_that_says_what_was_expected(payload, read):
    with pytest.raises(BadFrame, match="expected a JSON array of"):
        read(payload)


def test_events_are_decoded_with_their_fields():
    events = decode_events(frame(TRADE, QUOTE, BAR, BAR.replace(b'"AM"', b'"A"'), PAIR)).events
    assert events[0] == Trade(
        symbol="AAPL",
        price=114.1,
        size=100,
        time=5,
        sequence=9,
        exchange=4,
        id="12",
        tape=3,
        conditions=(0, 12),
        exact_size="100.5",
    )
    assert events[1] == Quote(
        symbol="AAPL",
        time=5,
        bid=114.1,
        bid_size=2,
        bid_exchange=4,
        ask=114.2,
        ask_size=3,
        ask_exchange=7,
        sequence=9,
        condition=0,
        indicators=(604,),
        tape=3,
    )
    day = {"day_volume": 9.0, "day_open": 1.0, "day_vwap": 2.0}
    bar = {"open": 2, "high": 4, "low": 1, "close": 3, "start": 60_000, "end": 120_000, "volume": 4}
    bar |= {"vwap": 2.5, "average_size": 1}
    assert events[2] == MinuteBar(symbol="GOOG", **bar, **day)
    assert events[3] == SecondBar(symbol="GOOG", **bar, **day)
    assert events[4] == PairBar(
        symbol="EUR/USD", open=1.1, high=1.3, low=1.0, close=1.2, start=60_000, end=120_000, volume=4
    )


def test_what_a_market_leaves_out_keeps_its_default():
    option = decode_events(b'[{"ev":"T","sym":"O:A","x":1,"p":1.5,"s":2,"c":[],"t":3,"q":4}]').events[0]
    assert isinstance(option, Trade)
    assert (option.id, option.tape) == ("", 0)
    index = decode_events(b'[{"ev":"AM","sym":"I:SPX","o":1,"c":1,"h":1,"l":1,"s":1,"e":2}]').events[0]
    assert isinstance(index, MinuteBar)
    assert (index.volume, index.vwap) == (0.0, None)


def test_events_without_a_type_are_skipped_and_counted_and_statuses_are_neither():
    decoded = decode_events(frame(STATUS, TRADE, LULD, b'{"ev":"ZZ"}', BAR))
    assert [type(event) for event in decoded.events] == [Trade, MinuteBar]
    assert decoded.skipped == 2
    assert decode_events(b"[]") == Decoded([], 0)


@pytest.mark.parametrize("wrong", [b'{"ev":"T","sym":"AAPL"}', b'{"ev":"T","sym":"AAPL","p":"1","s":1,"t":1}'])
def test_an_event_that_lacks_a_field_or_has_a_wrong_one_is_a_bad_frame(wrong):
    with pytest.raises(BadFrame, match=r"`p`|float"):
        decode_events(frame(QUOTE, wrong))
