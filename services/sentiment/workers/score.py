"""scorer: scores each article of `intel:articles` once, and counts it in for its symbols.

It reads as a consumer of a group, under a name that all its incarnations share: what one was given and did not settle
is given to the next. Score, aggregate and acknowledgement are one step in Redis.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anyio.lowlevel
import msgspec
from anyio.abc import TaskStatus

from services.sentiment.articles import BadArticle, Entry, score_entry
from services.sentiment.config import Sentiment
from services.sentiment.group import join, of_group
from services.sentiment.lexicon import Lexicon
from services.sentiment.tally import Tally
from services.shared import redis_clients
from services.shared.redis_clients import Client

__all__ = ("run",)

CONSUMER: Final = "scorer"

BATCH: Final = 20
"""Articles that are settled together at most."""

BLOCK: Final = 2_000
"""Milliseconds that one read waits for new articles."""

CLAIM_AFTER: Final = 60_000
"""Milliseconds after which an entry in the hands of a consumer of another name counts as left behind."""

EXCERPT: Final = 500
"""Bytes of a rejected entry that are kept."""

_SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text()


async def run(
    config: Sentiment, lexicon: Lexicon, tally: Tally, client: Client | None = None, *, task_status: TaskStatus[None]
) -> None:
    """Score until stopped; ready once the group is there.

    Args:
        config: the service.
        lexicon: what scores.
        tally: told what was scored, rejected and lost.
        client: of intel-redis, without a limit on the time of a read; None: one of its own.
        task_status: told when the group is there.

    Raises:
        redis.exceptions.RedisError: the articles in hand are read again by the next incarnation.
    """
    async with redis_clients.lent_or_opened(client, redis_clients.blocking, config.buses.intel) as redis:
        await redis_clients.until_it_answers(redis)
        await join(redis, config.keys)
        scorer = _Scorer(config, lexicon, tally, redis)
        task_status.started()
        await scorer.settle_own()
        while True:
            await scorer.settle_new()


class _Scorer:
    """One incarnation's reads and settlements."""

    def __init__(self, config: Sentiment, lexicon: Lexicon, tally: Tally, redis: Client) -> None:
        self._config = config
        self._keys = config.keys
        self._lexicon = lexicon
        self._tally = tally
        self._redis = redis
        self._apply = redis.register_script(_SCRIPT)

    async def settle_own(self) -> None:
        """Settle what former incarnations were given."""
        while entries := _entries(await self._redis.execute_command(*self._read("0"))):
            await self._settle(entries)

    async def settle_new(self) -> None:
        """Settle what is there, or wait for what comes, two seconds at most; and take over what was left behind.

        1. A read is on its way when its incarnation is cancelled. 2. The next one settles its own entries. 3. Redis
        answers the old read, to nobody. So entries that are pending while we hold none are looked at again.
        """
        entries, pending = await self._read_new()
        if entries:
            await self._settle(entries)
        if pending:
            await self._claim()
            await self.settle_own()
        if not entries:
            waiting = self._read(">", "BLOCK", BLOCK)
            await self._settle(_entries(await self._redis.execute_command(*waiting)))

    async def _read_new(self) -> tuple[Sequence[Entry], int]:
        # The group's count of entries goes on over those that the stream's limit cut off before we had them.
        at_once = self._redis.pipeline(transaction=True)
        at_once.execute_command("XINFO", "GROUPS", self._keys.articles)
        at_once.execute_command(*self._read(">"))
        at_once.execute_command("XINFO", "GROUPS", self._keys.articles)
        before, reply, after = await at_once.execute()
        entries = _entries(reply)
        was, now = of_group(before, self._keys), of_group(after, self._keys)
        assert was is not None, "a read without a group is an error"
        assert now is not None, "it is one transaction"
        if was[b"entries-read"] is not None and now[b"entries-read"] is not None:
            self._tally.lost += max(0, now[b"entries-read"] - was[b"entries-read"] - len(entries))
        return entries, was[b"pending"]

    async def _claim(self) -> None:
        claim = ("XAUTOCLAIM", self._keys.articles, self._keys.group, CONSUMER, CLAIM_AFTER, "0-0", "COUNT", BATCH)
        _, _, trimmed = await self._redis.execute_command(*claim)
        self._tally.lost += len(trimmed)

    async def _settle(self, entries: Sequence[Entry]) -> None:
        batch: list[dict[str, Any]] = []
        for entry in entries:
            batch.append(self._outcome(entry))
            await anyio.lowlevel.checkpoint()  # the loop is others' too, and each text takes its milliseconds
        if batch:
            scored, rejected, lost = await self._apply(keys=self._streams(), args=self._arguments(batch))
            self._tally.scored += scored
            self._tally.rejected += rejected
            self._tally.lost += lost

    def _outcome(self, entry: Entry) -> dict[str, Any]:
        id, fields = entry[0].decode(), entry[1]
        if not fields:  # cut off from the stream while it was in our hands
            return {"id": id}
        try:
            score = score_entry(entry, self._lexicon, self._config.scoring.text_limit)
        except BadArticle as error:
            return {"id": id, "reason": str(error), "excerpt": _excerpt(fields)}
        payload = msgspec.json.encode(score).decode()
        return {"id": id, "payload": payload, "score": score.score, "at": score.at, "symbols": score.symbols}

    def _streams(self) -> Sequence[str]:
        return (self._keys.articles, self._keys.scores, self._keys.rejected)

    def _arguments(self, batch: Sequence[dict[str, Any]]) -> Sequence[redis_clients.Word]:
        keys, config = self._keys, self._config
        names = (keys.group, config.scoring.half_life, keys.symbol, keys.updated)
        return (*names, config.scores_maxlen, config.rejected_maxlen, msgspec.json.encode(batch))

    def _read(self, start: str, *options: str | int) -> Sequence[str | int]:
        who = ("XREADGROUP", "GROUP", self._keys.group, CONSUMER)
        return (*who, "COUNT", BATCH, *options, "STREAMS", self._keys.articles, start)


def _entries(reply: Any) -> Sequence[Entry]:
    """Take the entries of our one stream out of a reply; no reply at all means that none came in time."""
    return reply[0][1] if reply else ()


def _excerpt(fields: dict[bytes, bytes]) -> str:
    """What stood where the article should be, or else the names of what stood there."""
    return fields.get(b"article", b" ".join(fields))[:EXCERPT].decode(errors="replace")
