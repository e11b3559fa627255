"""How a poll of a news feed fails.

    FeedError                      `.feed`
    ├── FeedUnreachable            no answer, or one that says later: HTTP 408, 425 or 5xx; `.status`
    ├── FeedThrottled              HTTP 429: we ask too often
    ├── FeedRefused                HTTP 401, 403 or 407: it is not for us, or our key is wrong; `.status`
    └── FeedBroken                 an answer that is no feed: any other status, or a document that cannot be read
        └── FeedTooLarge           a document over the limit; `.limit`

They name the failure and decide nothing. Feeds are named by their id: an address may hold a key.
"""

__all__ = ("FeedBroken", "FeedError", "FeedRefused", "FeedThrottled", "FeedTooLarge", "FeedUnreachable")


class FeedError(Exception):
    """What all failures of a poll have in common.

    Attributes:
        feed: the id of the feed.
    """

    def __init__(self, feed: str, what: str) -> None:
        super().__init__(f"feed {feed!r}: {what}")
        self.feed = feed


class FeedUnreachable(FeedError):
    """There is no answer, or the server says that it has none at the moment.

    Attributes:
        status: the HTTP status, None without an answer.
        `__cause__`: what the network raised.
    """

    def __init__(self, feed: str, why: str, *, status: int | None = None) -> None:
        super().__init__(feed, f"no answer: {why}")
        self.status = status


class FeedThrottled(FeedError):
    """The server says that we ask too often."""

    def __init__(self, feed: str) -> None:
        super().__init__(feed, "HTTP 429: polled too often")


class FeedRefused(FeedError):
    """The server does not give it to us; asking again does not help.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, feed: str, status: int) -> None:
        super().__init__(feed, f"HTTP {status}: refused")
        self.status = status


class FeedBroken(FeedError):
    """The server answers, and what it answers is no feed."""

    def __init__(self, feed: str, why: str) -> None:
        super().__init__(feed, f"no feed: {why}")


class FeedTooLarge(FeedBroken):
    """The document is larger than it may be; the rest of it was not read.

    Attributes:
        limit: bytes.
    """

    def __init__(self, feed: str, limit: int) -> None:
        super().__init__(feed, f"a document of more than {limit} bytes")
        self.limit = limit
