"""The decision about one signal: each limit and each use of sentiment, without any I/O."""

import pytest
from msgspec.structs import replace

from services.execution.config import Limits
from services.execution.decision import Declined, Proposal, decide, order_id
from services.execution.signals import BadSignal, Sentiment, Signal, read_sentiment, read_signal

NOW = 1_800_000_000.0
LIMITS = Limits(
    quantity_per_score=100, minimum_score=0.5, max_quantity=250, sentiment_age=60.0, sentiment_veto=0.5, signal_age=30.0
)
SIGNAL = Signal(id="s1", symbol="GOOG", kind="price", direction="up", score=1.0, price=99.5, at=NOW - 1)


def of(signal=SIGNAL, sentiment=None, limits=LIMITS, **changes):
    return decide(replace(signal, **changes), sentiment, limits, NOW)


def test_a_signal_up_is_an_order_to_buy_and_one_down_an_order_to_sell():
    assert of() == Proposal(
        id=order_id("s1"), signal="s1", symbol="GOOG", side="buy", quantity=100, price=99.5, score=1.0
    )
    assert of(direction="down").side == "sell"


def test_the_id_of_the_order_is_that_of_its_signal_and_no_other():
    assert order_id("s1") == "6b5676ef-d122-50fd-baee-8f5e9a60f3f6"  # for ever: the broker knows orders by it
    assert len({order_id(f"s{n}") for n in range(1_000)}) == 1_000


@pytest.mark.parametrize(("score", "decided"), [(0.5, 50), (0.499, "minimum_score"), (-1.0, "minimum_score")])
def test_a_signal_below_the_minimum_score_gets_no_order(score, decided):
    decision = of(score=score)
    assert (decision.reason if isinstance(decision, Declined) else decision.quantity) == decided


@pytest.mark.parametrize(("score", "quantity"), [(1.0, 100), (2.5, 250), (2.6, 250), (1e300, 250)])
def test_no_order_is_larger_than_the_maximum(score, quantity):
    assert of(score=score).quantity == quantity


def test_less_than_one_share_is_no_order():
    tiny = replace(LIMITS, minimum_score=0.0)
    assert of(limits=tiny, score=0.0099) == Declined("quantity_below_one")
    assert of(limits=tiny, score=0.01).quantity == 1


def test_a_signal_that_is_too_old_gets_no_order():
    assert of(at=NOW - 30).quantity == 100
    assert of(at=NOW - 30.1) == Declined("signal_age")
    assert of(limits=replace(LIMITS, signal_age=None), at=0).quantity == 100


@pytest.mark.parametrize(
    ("direction", "score", "quantity"), [("up", 0.5, 150), ("up", -0.4, 60), ("down", 0.4, 60), ("down", -0.5, 150)]
)
def test_sentiment_makes_an_order_larger_or_smaller(direction, score, quantity):
    assert of(direction=direction, sentiment=Sentiment(score, NOW)).quantity == quantity


def test_sentiment_that_speaks_strongly_against_a_signal_forbids_its_order():
    assert of(sentiment=Sentiment(-0.5, NOW)) == Declined("sentiment_veto")
    assert of(direction="down", sentiment=Sentiment(0.5, NOW)) == Declined("sentiment_veto")
    assert of(sentiment=Sentiment(-0.5, NOW), limits=replace(LIMITS, sentiment_veto=0.6)).quantity == 50


def test_stale_sentiment_says_nothing_for_and_nothing_against():
    assert of(sentiment=Sentiment(0.5, NOW - 60)).quantity == 150
    assert of(sentiment=Sentiment(0.5, NOW - 60.1)).quantity == 100
    assert of(sentiment=Sentiment(-1.0, NOW - 60.1)).quantity == 100


@pytest.mark.parametrize(
    "payload",
    [
        None,
        b"{oops",
        b"[]",
        b'{"id":"s","symbol":"A","kind":"price","direction":"sideways","score":1,"price":1,"at":1}',
        b'{"id":"","symbol":"A","kind":"price","direction":"up","score":1,"price":1,"at":1}',
        b'{"id":"s","symbol":"A","kind":"price","direction":"up","score":1e999,"price":1,"at":1}',
        b'{"id":"s","symbol":"A","kind":"price","direction":"up","score":"1","price":1,"at":1}',
        b'{"id":"s","symbol":"A","kind":"price","direction":"up","score":1,"price":1}',
    ],
)
def test_what_is_no_signal_is_not_taken_for_one(payload):
    with pytest.raises(BadSignal):
        read_signal(payload)


def test_a_signal_may_say_more_than_we_read():
    payload = b'{"id":"s","symbol":"A","kind":"volume","direction":"up","score":1,"price":1,"at":1,"news":[]}'
    assert read_signal(payload).kind == "volume"


@pytest.mark.parametrize("values", [(None, None), (b"0.5", None), (b"x", b"1"), (b"nan", b"1"), (b"1", b"inf")])
def test_a_sentiment_that_makes_no_sense_is_none(values):
    assert read_sentiment(values) is None


def test_a_sentiment_is_from_minus_one_to_one():
    assert read_sentiment((b"7", b"12.5")) == Sentiment(1.0, 12.5)
    assert read_sentiment((b"-0.25", b"12.5")) == Sentiment(-0.25, 12.5)
