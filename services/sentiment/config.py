"""What sentiment needs to know, as checked data."""

from typing import Annotated

from msgspec import Meta, Struct, field

from services.shared.identity import Buses


class Scoring(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an article is scored, and how long that counts.

    Attributes:
        half_life: seconds in which the weight of a score halves.
        text_limit: characters of title and summary that are read. The time for a text grows with the square of its
            length: a thousand characters take about 2 ms of the event loop, twenty thousand half a second.
    """

    half_life: Annotated[float, Meta(gt=0)] = 3_600.0
    text_limit: Annotated[int, Meta(gt=0, le=4_000)] = 1_000


class Backlog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the articles that wait are worth a word.

    Attributes:
        grown: so many of them, and the service is behind.
        gone: so few of them, and it has caught up; below `grown`, so that a backlog around one number is told once.
        every: seconds between two looks.
    """

    grown: Annotated[int, Meta(ge=1)] = 200
    gone: Annotated[int, Meta(ge=0)] = 20
    every: Annotated[float, Meta(gt=0)] = 5.0

    def __post_init__(self) -> None:
        if self.gone >= self.grown:
            raise ValueError(f"gone has to be below grown, got {self.gone} and {self.grown}")


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names on intel-redis, those of the contract by default."""

    articles: str = "intel:articles"
    scores: str = "sentiment:scores"
    rejected: str = "sentiment:rejected"
    symbol: str = "sentiment:symbol"
    updated: str = "sentiment:updated"
    group: str = "sentiment"


class Sentiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole service.

    Attributes:
        buses: the three Redis servers.
        scoring: how articles are scored.
        backlog: when it is worth a word.
        keys: the names used on intel-redis.
        scores_maxlen: about how many scores are kept.
        rejected_maxlen: about how many rejected entries are kept with their reason.
    """

    buses: Buses
    scoring: Scoring = field(default_factory=Scoring)
    backlog: Backlog = field(default_factory=Backlog)
    keys: Keys = field(default_factory=Keys)
    scores_maxlen: int = 100_000
    rejected_maxlen: int = 1_000
