"""One news feed: polled again and again, its new articles published, each exactly once.

    load the state → started() → wait until the next poll is due
        → fetch, unless unchanged → read, in a thread → publish and keep the state, in one step of intel-redis

It is killed between any two of these without harm: nothing counts as read before it is published. A poll that fails
ends the worker with one of `services.intel.errors`; the next incarnation polls at once.
"""

import time
from functools import partial

import anyio
import httpx
from anyio.abc import TaskStatus

from services.intel.article import Article
from services.intel.config import Feed, Intel
from services.intel.document import read_articles
from services.intel.errors import FeedBroken
from services.intel.feed_store import FeedState, FeedStore
from services.intel.fetch import Document, fetch
from services.intel.pipeline import Pipeline
from services.shared.redis_clients import Client, until_it_answers


async def run(
    feed: Feed,
    config: Intel,
    pipeline: Pipeline,
    http: httpx.AsyncClient,
    redis: Client,
    *,
    task_status: TaskStatus[None],
) -> None:
    """Poll until stopped; ready once the state of the last poll is known.

    Args:
        feed: which one.
        config: the service.
        pipeline: told of each good poll.
        http: shared by all feeds.
        redis: client of intel-redis, shared too; it may repeat what it sends.
        task_status: told when the state is known.

    Raises:
        FeedError: the poll failed.
        redis.exceptions.RedisError: intel-redis does not do its part.
    """
    await until_it_answers(redis)
    poller = _Poller(feed, config, pipeline, redis)
    last = await poller.store.load()
    task_status.started()
    await anyio.sleep(_until_due(last, feed.every))
    validators, worked = last.validators, last.polled > 0
    while True:
        document = await fetch(http, feed, validators, worked=worked)
        if document is None:
            await poller.note_unchanged()
        else:
            await poller.publish(document)
            validators = document.validators
        worked = True
        await anyio.sleep(feed.every)


class _Poller:
    """What one incarnation does with the answers."""

    def __init__(self, feed: Feed, config: Intel, pipeline: Pipeline, redis: Client) -> None:
        self._feed = feed
        self._news = config.news
        self._pipeline = pipeline
        self.store = FeedStore(redis, feed, config)

    async def note_unchanged(self) -> None:
        await self.store.note_unchanged()
        self._pipeline.counts.unchanged += 1
        self._pipeline.note_poll(self._feed.id)

    async def publish(self, document: Document) -> None:
        articles = await self._read(document)
        published = await self.store.publish(articles, document.validators)
        self._pipeline.counts.articles += published
        self._pipeline.counts.repeated += len(articles) - published
        self._pipeline.note_poll(self._feed.id)

    async def _read(self, document: Document) -> tuple[Article, ...]:
        # A thread cannot be stopped. It is left to end alone: it touches nothing, and the size of its work is limited.
        read = partial(read_articles, document, self._feed, self._news, time.time())
        try:
            with anyio.fail_after(self._feed.timeout):
                return await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
        except TimeoutError:
            raise FeedBroken(self._feed.id, f"reading it takes more than {self._feed.timeout:g} s") from None


def _until_due(last: FeedState, every: float) -> float:
    """Seconds until the next poll: a restart is no reason to ask again. A clock that was set back does not delay it."""
    return min(max(0.0, last.polled + every - time.time()), every)
