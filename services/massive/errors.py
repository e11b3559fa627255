"""How the feed fails: every way in which a connection to the provider can end, other than that we end it.

    FeedError
    ├── ConnectRefused             no connection: TCP, TLS or the handshake failed; `.status`, `.retry_after`
    ├── AuthFailed                 the provider does not accept the key, or the plan has no WebSocket access; `.worked`
    ├── AuthTimeout                no answer to our authentication, or none from us in time
    ├── NotEntitled                the plan does not hold this feed; `.worked`
    ├── ProviderTrouble            the provider answers with an error that says nothing of us
    ├── MaxConnections             the key is in use elsewhere: an older or a newer connection has its place
    ├── SlowConsumer               we do not read fast enough
    ├── FeedSilent                 the connection is open and nothing comes; `.seconds`
    ├── FrameTooLarge              a frame so large that the connection had to be given up; `.limit`
    └── ProviderClosed             the provider closed the connection, or it broke; `.code`, `.reason`

They name the failure and decide nothing. No message holds the key.
"""


class FeedError(Exception):
    """What all failures of the feed have in common."""


class ConnectRefused(FeedError):
    """No connection came about.

    Attributes:
        status: the HTTP status when the handshake was answered with one, else None.
        retry_after: seconds after which the answer asks to be tried again; None: it asks for nothing.
        `__cause__`: what the network or the WebSocket library raised.
    """

    def __init__(self, url: str, why: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(f"no connection to {url}: {why}")
        self.status = status
        self.retry_after = retry_after


class AuthFailed(FeedError):
    """The provider does not accept the key, or the plan has no WebSocket access.

    Attributes:
        worked: whether the key was accepted before, in this process. If not, trying again does not help.
    """

    def __init__(self, message: str, *, worked: bool) -> None:
        super().__init__(f"the provider refuses the key{', which it took before' if worked else ''}: {message}")
        self.worked = worked


class AuthTimeout(FeedError):
    """The connection was open and no `auth_success` came, or the provider did not see our request in time."""


class NotEntitled(FeedError):
    """The provider answers that the plan does not hold this feed. A single refused channel ends nothing.

    Attributes:
        worked: whether the feed has carried events before, in this process. If not, trying again does not help.
    """

    def __init__(self, message: str, *, worked: bool) -> None:
        super().__init__(f"the provider refuses the feed{', which it carried before' if worked else ''}: {message}")
        self.worked = worked


class ProviderTrouble(FeedError):
    """The provider answers with an error that says nothing of key or plan: it may be over after a while."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the provider has a problem: {message}")


class MaxConnections(FeedError):
    """Too many connections with this key: either another process uses it, or our own last one still counts."""

    def __init__(self, message: str) -> None:
        super().__init__(f"too many connections with this key: {message}")


class SlowConsumer(FeedError):
    """We do not read fast enough: the provider says so, or its answers to our pings wait behind unread frames."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the feed is read too slowly: {message}")


class FeedSilent(FeedError):
    """The connection is open and nothing comes through it.

    Attributes:
        seconds: how long nothing had come.
    """

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(f"no frame for {seconds:.1f} s: {why}")
        self.seconds = seconds


class FrameTooLarge(FeedError):
    """A frame went over the hard limit, where reading on would cost too much memory: we closed with 1009.

    Attributes:
        limit: bytes of the largest frame that the connection bears.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"a frame over the hard limit of {limit} bytes: connection given up")
        self.limit = limit


class ProviderClosed(FeedError):
    """The provider closed the connection, politely or not; a close that nobody asked for is a failure, 1000 too.

    Attributes:
        code: the close code: 1012 service restart, 1001 going away, 1005 none given, 1006 no close frame came.
        reason: what the provider wrote beside it, may be empty.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"the provider closed the connection: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason
