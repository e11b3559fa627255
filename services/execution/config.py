"""What execution needs to know, as checked data."""

from typing import Annotated

from msgspec import Meta, Struct, field

from services.shared.identity import Buses

Seconds = Annotated[float, Meta(gt=0)]
Whole = Annotated[int, Meta(ge=1)]


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a signal has to pass, and how large an order may become.

    Attributes:
        quantity_per_score: shares that a signal of score 1 asks for; sentiment makes it more or less.
        minimum_score: a signal below it gets no order.
        max_quantity: of one order; a larger one is cut down to it.
        max_position: shares of one symbol, long or short, that positions and open orders may add up to; an order is
            cut down to what is left of it.
        orders_per_minute: of all symbols together; a signal beyond it gets no order.
        sentiment_age: seconds after which the sentiment of a symbol says nothing any more.
        sentiment_veto: how strongly (0 to 1) sentiment has to speak against a signal to forbid its order.
        signal_age: seconds after which a signal is too old for an order; None: never.
    """

    quantity_per_score: Whole = 100
    minimum_score: float = 0.5
    max_quantity: Whole = 200
    max_position: Whole = 1_000
    orders_per_minute: Whole = 60
    sentiment_age: Seconds = 3_600.0
    sentiment_veto: Annotated[float, Meta(gt=0, le=1)] = 0.5
    signal_age: Seconds | None = None


class BrokerKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the paper broker keeps its books on intel-redis, and where it finds prices on market-redis."""

    order: str = "broker:order"
    open: str = "broker:open"
    fills: str = "broker:fills"
    ids: str = "broker:ids"
    spot: str = "massive:model:spot"


class Broker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paper broker, and how it is talked to.

    Attributes:
        socket: path of its Unix socket, 107 bytes at most.
        embedded: it is a worker of this service's tree; False: it runs apart, as `python -m services.execution.broker`.
        timeout: seconds that a connection or an answer may take.
        slices: fills that it is asked to divide an order into.
        prices: a fixed price for each symbol; None: the last one on market-redis.
        price_interval: seconds between two looks for the price of an order that found none.
        faults: whether it may be told to misbehave; for tests.
        keys: the names of its books.
    """

    socket: str
    embedded: bool = True
    timeout: Seconds = 5.0
    slices: Whole = 1
    prices: dict[str, Annotated[float, Meta(gt=0)]] | None = None
    price_interval: Seconds = 0.25
    faults: bool = False
    keys: BrokerKeys = field(default_factory=BrokerKeys)


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names on intel-redis, those of the contract by default.

    Attributes:
        signals: stream of signals, read as `group`.
        sentiment: before the symbol: its sentiment.
        halted: the kill switch: while it exists there are no new orders.
        limits: hash of an operator's limits, by the names in `Limits`; they go before the configured ones.
        orders: stream of orders. `order`: before an order's id: its record.
        fills: stream of fills. `cursor`: up to which fill of the broker they are recorded.
        positions: hash of the quantity of each symbol.
        open: sorted set of the orders that are neither filled nor refused, by the second of their decision.
        unsent: those of them that the broker has not answered yet.
        exposure: before `:buy` and `:sell`: hashes of the quantity of each symbol in open orders.
        recent: sorted set of the orders of the last minute.
        stuck: set of the open orders that were reported as stuck.
        declined: stream of the signals that got no order, with the reason.
        rejected: stream of what could not be understood, with the reason.
    """

    signals: str = "intel:signals"
    group: str = "execution"
    sentiment: str = "sentiment:symbol"
    halted: str = "execution:halted"
    limits: str = "execution:limits"
    orders: str = "execution:orders"
    order: str = "execution:order"
    fills: str = "execution:fills"
    cursor: str = "execution:fills:cursor"
    positions: str = "execution:positions"
    open: str = "execution:open"
    unsent: str = "execution:unsent"
    exposure: str = "execution:exposure"
    recent: str = "execution:recent"
    stuck: str = "execution:stuck"
    declined: str = "execution:declined"
    rejected: str = "execution:rejected"


class Execution(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole service.

    Attributes:
        broker: who fills the orders.
        buses: the three Redis servers.
        limits: that hold where the operator has set none.
        keys: the names used on intel-redis.
        stuck_after: seconds after which an order that is not done counts as stuck.
        record_ttl: seconds that the record of an order stays once it is filled or refused; as long, a signal that
            comes twice is known.
        stream_maxlen: about how many orders, and how many fills, their streams keep.
        notes_maxlen: about how many declined and how many rejected signals are kept.
    """

    broker: Broker
    buses: Buses
    limits: Limits = field(default_factory=Limits)
    keys: Keys = field(default_factory=Keys)
    stuck_after: Seconds = 30.0
    record_ttl: Whole = 604_800
    stream_maxlen: Whole = 100_000
    notes_maxlen: Whole = 10_000
