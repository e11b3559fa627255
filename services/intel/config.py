"""What intel needs to know, as checked data."""

from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

from services.shared.identity import Buses

Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
Symbol = Annotated[str, Meta(pattern=r"^[^\s*]{1,64}\Z")]
Header = Annotated[str, Meta(pattern=r"^[\x21-\x7e][\x20-\x7e]*\Z")]
Entries = Annotated[int, Meta(ge=1)]


class Feed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One news feed, and how much it may cost.

    Attributes:
        id: its name, for the tree, the log and the articles.
        url: `http://` or `https://` address. It may hold a key, so it is shown nowhere.
        every: seconds between two polls.
        timeout: seconds for a whole answer, and as many for reading it.
        size_limit: bytes of the largest document that is taken.
    """

    id: Name
    url: str
    every: Seconds = 300.0
    timeout: Seconds = 20.0
    size_limit: Annotated[int, Meta(ge=1)] = 5_242_880

    def __post_init__(self) -> None:
        if not _is_web_address(self.url):
            raise ValueError(f"the url of feed {self.id!r} has to begin with http:// or https:// and name a host")

    def __repr__(self) -> str:
        return f"Feed(id={self.id!r}, url=…, every={self.every:g})"


class News(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The feeds, and what is made of them.

    Attributes:
        feeds: each polled by a worker of its own.
        names: name to symbol: an article that holds the name, written so, as whole words, speaks of the symbol.
        agent: how we present ourselves; publishers want to know whom to write to.
        seen_for: seconds after which an article that no feed lists any more is forgotten; coming back, it is new.
        maxlen: about how many articles the stream keeps.
        summary_limit: characters of a summary that are kept.
    """

    feeds: tuple[Feed, ...] = ()
    names: dict[Annotated[str, Meta(pattern=r"^\S(.*\S)?\Z")], Symbol] = field(default_factory=dict[str, str])
    agent: Header = "marketswarm-intel/1.0"
    seen_for: Seconds = 2_592_000.0
    maxlen: Entries = 10_000
    summary_limit: Annotated[int, Meta(ge=0)] = 2_000

    def __post_init__(self) -> None:
        ids = [feed.id for feed in self.feeds]
        if twice := sorted({id for id in ids if ids.count(id) > 1}):
            raise ValueError(f"two feeds have the id {twice[0]!r}; give each its own")


class Thresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a price or a volume is out of the ordinary.

    Attributes:
        sample: seconds of trades that make one sample.
        memory: samples that the baseline remembers, roughly.
        minimum: samples that a baseline needs before anything is measured against it.
        score: deviations from the mean above which a sample is a signal.
        cool_down: seconds after a signal in which the same symbol gives no other one of that kind.
        least_price: the smallest deviation of a price change that is believed, as a share of the price: beside a price
            that stood still, every change would be without measure.
        least_volume: the same for the volume of a sample, as a share of it.
        watch: symbols that are watched when the bus holds no watch list; none: all.
        maxlen: about how many signals the stream keeps.
    """

    sample: Annotated[float, Meta(ge=0.001, le=86_400)] = 10.0
    memory: Annotated[int, Meta(ge=2)] = 120
    minimum: Annotated[int, Meta(ge=2)] = 30
    score: Annotated[float, Meta(gt=0)] = 6.0
    cool_down: Annotated[float, Meta(ge=0)] = 300.0
    least_price: Annotated[float, Meta(gt=0)] = 0.0002
    least_volume: Annotated[float, Meta(gt=0)] = 0.1
    watch: tuple[Symbol, ...] = ()
    maxlen: Entries = 10_000


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names on the buses, those of the contract by default: `stream` on market-redis, all others on intel-redis."""

    stream: str = "massive:ws:stream"
    group: str = "intel"
    articles: str = "intel:articles"
    seen: str = "intel:seen"
    feed: str = "intel:feed"
    signals: str = "intel:signals"
    baseline: str = "intel:baseline"
    position: str = "intel:position"
    watch_list: str = "intel:watch_list"


class Intel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole service.

    Attributes:
        buses: the three Redis servers.
        news: the feeds.
        thresholds: of the signals.
        keys: the names used on the buses.
    """

    buses: Buses
    news: News = field(default_factory=News)
    thresholds: Thresholds = field(default_factory=Thresholds)
    keys: Keys = field(default_factory=Keys)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable() and " " not in url
