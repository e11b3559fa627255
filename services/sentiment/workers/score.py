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

from services.sentiment.articles import BadArticle, score_entry
from services.sentiment.config import Sentiment
from services.sentiment.lexicon import Lexicon
from services.sentiment.tally import Tally
from services.shared import redis_clients
from services.shared.consumer_group import Entry, GroupReader, join, settled_key, settling
from services.shared.redis_clients import Client

CONSUMER: Final = "scorer"

BATCH: Final = 20
"""Articles that are settled together at most."""

EXCERPT: Final = 500
"""Bytes of a rejected entry that are kept."""

_SCRIPT: Final = settling(Path(__file__).with_suffix(".lua"))


async def run(
    config: Sentiment, lexicon: Lexicon, tally: Tally, client: Client | None = None, *, task_status: TaskStatus[None]
) -> None:
    """Score until stopped; ready once the group is there.

    Args:
        config: the service.
        lexicon: what scores.
        tally: told of each turn, and what was scored, rejected and lost.
        client: of intel-redis, for reads that wait; None: one of its own.
        task_status: told when the group is there.

    Raises:
        redis.exceptions.RedisError: the articles in hand are read again by the next incarnation.
    """
    async with redis_clients.lent_or_opened(client, redis_clients.blocking, config.buses.intel) as redis:
        await redis_clients.until_it_answers(redis)
        await join(redis, config.keys.articles, config.keys.group)
        reader = _Scorer(config, lexicon, tally, redis).reader
        task_status.started()
        await reader.settle_own()
        while True:
            await reader.settle_new()
            tally.turns += 1


class _Scorer:
    """One incarnation's settlements."""

    def __init__(self, config: Sentiment, lexicon: Lexicon, tally: Tally, redis: Client) -> None:
        self._config = config
        self._keys = config.keys
        self._lexicon = lexicon
        self._tally = tally
        self._redis = redis
        self._apply = redis.register_script(_SCRIPT)
        self.reader = GroupReader(
            redis,
            stream=config.keys.articles,
            group=config.keys.group,
            consumer=CONSUMER,
            batch=BATCH,
            settle=self._settle,
            lose=self._lose,
        )

    def _lose(self, articles: int) -> None:
        self._tally.lost += articles

    async def _settle(self, entries: Sequence[Entry]) -> None:
        batch: list[dict[str, Any]] = []
        for entry in entries:
            batch.append(self._outcome(entry))
            await anyio.lowlevel.checkpoint()  # the loop is others' too, and each text takes its milliseconds
        scored, rejected, lost = await self._apply(keys=self._stores(), args=self._arguments(batch))
        self._tally.scored += scored
        self._tally.rejected += rejected
        self._lose(lost)

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

    def _stores(self) -> Sequence[str]:
        keys = self._keys
        return (keys.articles, keys.scores, keys.rejected, settled_key(keys.articles, keys.group))

    def _arguments(self, batch: Sequence[dict[str, Any]]) -> Sequence[redis_clients.Word]:
        keys, config = self._keys, self._config
        names = (keys.group, config.scoring.half_life, keys.symbol, keys.updated)
        return (*names, config.scores_maxlen, config.rejected_maxlen, msgspec.json.encode(batch))


def _excerpt(fields: dict[bytes, bytes]) -> str:
    """What stood where the article should be, or else the names of what stood there."""
    return fields.get(b"article", b" ".join(fields))[:EXCERPT].decode(errors="replace")
