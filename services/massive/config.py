"""What massive needs to know, as checked data."""

from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct, field

from services.shared.identity import Buses

Market = Literal["stocks", "options", "forex", "crypto", "indices"]


class Feed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider's socket: where it is, who we are there, what we ask for.

    Attributes:
        url: `ws://` or `wss://` address of the cluster, without the market.
        api_key: the account's key. It is sent to the provider and shown nowhere.
        market: the path of the cluster, and so the events that it carries.
        subscriptions: what to ask for when the bus holds no subscription list.
        open_timeout: seconds for the TCP and WebSocket handshake.
        auth_timeout: seconds from the open socket to `auth_success`.
        silence: seconds without a frame after which the connection counts as dead; None: the feed may be quiet.
        frame_limit: bytes of the largest frame that is taken; a larger one is rejected, the connection lives.
    """

    url: str
    api_key: str
    market: Market = "stocks"
    subscriptions: tuple[str, ...] = ()
    open_timeout: float = 10.0
    auth_timeout: float = 10.0
    silence: float | None = None
    frame_limit: int = 1_048_576

    def __post_init__(self) -> None:
        if not _is_socket_address(self.url):
            raise ValueError(
                "the url of the feed has to begin with ws:// or wss:// and name a host; "
                "write for example wss://socket.massive.com"
            )

    def __repr__(self) -> str:
        return f"Feed(url={self.url!r}, market={self.market!r}, subscriptions={self.subscriptions!r})"


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names on market-redis, those of the contract by default."""

    stream: str = "massive:ws:stream"
    rejected: str = "massive:ws:rejected"
    analytics: str = "massive:ws:analytics"
    subscription_list: str = "massive:ws:subscription_list"
    subscription_updated: str = "massive:ws:subscription_updated"
    spot: str = "massive:model:spot"
    bars: str = "massive:model:bar"
    group: str = "massive"


class Massive(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole service.

    Attributes:
        feed: the provider's socket.
        buses: the three Redis servers.
        keys: the names used on market-redis.
        queue_frames: frames that may wait between the socket and the bus; beyond it the oldest are dropped, counted.
        stream_maxlen: about how many entries the stream keeps.
        rejected_maxlen: about how many rejected frames are kept with their reason.
        bar_ttl: seconds that a minute bar stays on the bus.
    """

    feed: Feed
    buses: Buses
    keys: Keys = field(default_factory=Keys)
    queue_frames: int = 8_192
    stream_maxlen: int = 100_000
    rejected_maxlen: int = 1_000
    bar_ttl: int = 86_400


def _is_socket_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = (parts.hostname or "").encode("idna")
    except ValueError:  # UnicodeError is one: no name that can be looked up
        return False
    plain = url.isprintable() and " " not in url and not parts.fragment
    return parts.scheme in {"ws", "wss"} and bool(host) and plain
