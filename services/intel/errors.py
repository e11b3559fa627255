"""How a poll of a news feed fails.

    FeedError                      `.feed`
    ├── FeedUnreachable            no answer, or one that says later: HTTP 408, 425 or 5xx; `.status`, `.retry_after`
    ├── FeedThrottled              HTTP 429: we ask too often; `.retry_after`
    ├── FeedRefused                HTTP 401, 403 or 407: it is not for us, or our key is wrong; `.status`, `.worked`
    └── FeedBroken                 an answer that is no feed: any other status, or a document that cannot be read
        └── FeedTooLarge           a document over the limit; `.limit`

They name the failure and decide nothing. Feeds are named by their id: an address may hold a key.
"""


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
        retry_after: seconds after which the answer asks to be asked again; None: it asks for nothing.
        `__cause__`: what the network raised.
    """

    def __init__(self, feed: str, why: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(feed, f"no answer: {why}")
        self.status = status
        self.retry_after = retry_after


class FeedThrottled(FeedError):
    """The server says that we ask too often.

    Attributes:
        retry_after: seconds after which it asks to be asked again; None: it does not say.
    """

    def __init__(self, feed: str, *, retry_after: float | None = None) -> None:
        super().__init__(feed, "HTTP 429: polled too often")
        self.retry_after = retry_after


class FeedRefused(FeedError):
    """The server does not give it to us.

    Attributes:
        status: the HTTP status.
        worked: whether it was given to us before. If not, asking again does not help.
    """

    def __init__(self, feed: str, status: int, *, worked: bool = False) -> None:
        super().__init__(feed, f"HTTP {status}: refused{', and was given to us before' if worked else ''}")
        self.status = status
        self.worked = worked


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
