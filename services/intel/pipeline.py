"""What the nodes of one intel process tell each other: the watch list, the polls, the counts.

It is made once, before supervision begins, and outlives every worker. Nothing in it is needed for exactness: what must
not be lost is on the buses.
"""

import time

from msgspec import Struct


class Counts(Struct):
    """What went through, since the process began.

    Attributes:
        polls: answers of feeds, those that had nothing new included.
        unchanged: answers that said so (HTTP 304).
        articles: published.
        repeated: articles in a document that had been published before, by whichever feed.
        entries: of massive's stream, settled.
        unreadable: entries among them that hold no frame that can be read.
        lost: entries that the stream's limit cut off before they were read.
        late: trades that were left out, as their sample was over, or as they claim to be from the future.
        signals: published.
    """

    polls: int = 0
    unchanged: int = 0
    articles: int = 0
    repeated: int = 0
    entries: int = 0
    unreadable: int = 0
    lost: int = 0
    late: int = 0
    signals: int = 0


class WatchList:
    """The symbols that signals are wanted for: posted by the orchestrator, asked by the signals worker."""

    def __init__(self) -> None:
        self.symbols: frozenset[str] = frozenset()

    def __contains__(self, symbol: str) -> bool:
        return not self.symbols or symbol in self.symbols

    def post(self, symbols: frozenset[str]) -> None:
        """Replace the list; an empty one means every symbol."""
        self.symbols = symbols


class Pipeline:
    """The watch list, the polls and the counts of one process.

    Attributes:
        turns: of the loop of `signals`, at least one in two seconds, whether there are trades or not.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self.turns = 0
        self.watch_list = WatchList()
        self._began = time.monotonic()
        self._polled: dict[str, float] = {}

    def note_poll(self, feed: str) -> None:
        """A poll of this feed went well."""
        self.counts.polls += 1
        self._polled[feed] = time.monotonic()

    def since_poll(self, feed: str) -> float:
        """Seconds since a poll of this feed last went well, or since the process began."""
        return time.monotonic() - self._polled.get(feed, self._began)
