"""What intel-redis keeps of a feed between two polls, and the one step that publishes its articles."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from services.intel.article import Article
from services.intel.config import Feed, Intel
from services.intel.fetch import Validators
from services.shared.redis_clients import Client

_SCRIPT: Final = Path(__file__).with_name("publish.lua").read_text()


class FeedState(Struct, frozen=True):
    """The last good poll.

    Attributes:
        validators: to ask with the next time.
        polled: when that was, in seconds since 1970; 0: never.
    """

    validators: Validators = Validators()
    polled: float = 0.0


class FeedStore:
    """The state of one feed. It belongs to the feed's address: another address under the same id begins anew.

    Args:
        redis: client of intel-redis; it may repeat what it sends.
    """

    def __init__(self, redis: Client, feed: Feed, config: Intel) -> None:
        self._redis = redis
        self._keys = config.keys
        self._news = config.news
        self._state = f"{config.keys.feed}:{feed.id}"
        self._address = blake2b(feed.url.encode(), digest_size=16).hexdigest()  # the address itself may hold a key
        self._publish = redis.register_script(_SCRIPT)

    async def load(self) -> FeedState:
        """The state that the last incarnation, or the last process, left."""
        names = ("etag", "modified", "url", "polled")
        held = await self._redis.execute_command("HMGET", self._state, *names)
        kept = {name: bytes(value or b"").decode(errors="replace") for name, value in zip(names, held, strict=True)}
        if kept["url"] != self._address:
            return FeedState()
        return FeedState(Validators(kept["etag"], kept["modified"]), _seconds(kept))

    async def note_unchanged(self) -> None:
        """The poll went well and there was nothing new."""
        await self._redis.execute_command("HSET", self._state, "polled", repr(time.time()))

    async def publish(self, articles: Sequence[Article], validators: Validators) -> int:
        """Publish those that were never seen, and keep the state: one step, done or not. Returns how many they were."""
        now = time.time()
        milliseconds = round(now * 1_000)
        horizon = milliseconds - round(self._news.seen_for * 1_000)
        state = (validators.etag, validators.modified, self._address, repr(now))
        pairs = (word for article in articles for word in (article.id, msgspec.json.encode(article)))
        published: int = await self._publish(
            keys=(self._keys.articles, self._keys.seen, self._state),
            args=(milliseconds, horizon, self._news.maxlen, *state, *pairs),
        )
        return published


def _seconds(kept: Mapping[str, str]) -> float:
    with suppress(ValueError):
        return float(kept["polled"])
    return 0.0
