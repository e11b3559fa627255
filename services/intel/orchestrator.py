"""The orchestrator: posts which symbols are watched, and watches the polls and the stream.

The watch list is a set on intel-redis, so nothing is lost when the orchestrator restarts. While Redis is away it keeps
the list it has.
"""

from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskStatus
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as NoReply

from services.intel.config import Intel
from services.intel.pipeline import Pipeline
from services.shared.logutil import LogUtil
from services.shared.redis_clients import Client, until_it_answers

WATCH_INTERVAL = 5.0
"""Seconds between two looks at the watch list, the polls and the stream."""

MISSED_POLLS = 3
"""Polls in a row that a feed may miss before somebody is told."""


async def run(
    config: Intel, pipeline: Pipeline, redis: Client, logger: LogUtil, *, task_status: TaskStatus[int]
) -> None:
    """Post the watch list, say how many symbols it holds, and go on posting and watching until stopped.

    Args:
        config: the service.
        pipeline: where the list is posted, and what is watched.
        redis: client of intel-redis, shared by all incarnations.
        logger: told once when something begins to be wrong, and once when that is over.
        task_status: ready once a first list is posted; its value is the number of symbols, 0 for all.
    """
    planner = _Planner(config, pipeline, redis, logger)
    await until_it_answers(redis)
    task_status.started(await planner.post())
    watch = _Watch(config, pipeline, logger)
    while True:
        await anyio.sleep(WATCH_INTERVAL)
        await planner.post_if_reachable()
        watch.look()


class _Planner:
    """Turns the watch list on the bus into the one that is posted to the signals worker."""

    def __init__(self, config: Intel, pipeline: Pipeline, redis: Client, logger: LogUtil) -> None:
        self._config = config
        self._pipeline = pipeline
        self._redis = redis
        self._logger = logger
        self._unreadable = ""

    async def post(self) -> int:
        """Read the list, post it, and return how many symbols it holds."""
        listed = await self._redis.execute_command("SMEMBERS", self._config.keys.watch_list)
        symbols = frozenset(bytes(symbol).decode(errors="replace") for symbol in listed)
        self._pipeline.watch_list.post(symbols or frozenset(self._config.thresholds.watch))
        return len(self._pipeline.watch_list.symbols)

    async def post_if_reachable(self) -> None:
        """The same, but a list that cannot be read leaves the posted one as it is until the next look."""
        try:
            await self.post()
        except (NotConnected, NoReply):  # the workers say so
            return
        except ResponseError as error:
            self._complain(str(error))
        else:
            self._unreadable = ""

    def _complain(self, why: str) -> None:
        if why != self._unreadable:
            self._logger.warning("the watch list cannot be read, it stays as it is: %s", why)
        self._unreadable = why


class _Watch:
    """Says once when a feed falls silent or entries of the stream get lost or are no frames, and once when that is over."""

    def __init__(self, config: Intel, pipeline: Pipeline, logger: LogUtil) -> None:
        self._feeds = config.news.feeds
        self._pipeline = pipeline
        self._logger = logger
        self._silent: set[str] = set()
        counts = pipeline.counts
        self._rises: Sequence[_Rise] = (
            _Rise(lambda: counts.lost, logger, "entries of the stream were cut off before they were read"),
            _Rise(lambda: counts.unreadable, logger, "entries of the stream hold no frame that can be read"),
        )

    def look(self) -> None:
        """Compare with the last look."""
        for feed in self._feeds:
            self._look_at(feed.id, MISSED_POLLS * feed.every + feed.timeout)
        for rise in self._rises:
            rise.look()

    def _look_at(self, feed: str, allowed: float) -> None:
        silence = self._pipeline.since_poll(feed)
        if silence <= allowed and feed in self._silent:
            self._logger.info("feed %r is read again", feed)
            self._silent.discard(feed)
        elif silence > allowed and feed not in self._silent:
            self._logger.warning("feed %r could not be read for %d s", feed, round(silence))
            self._silent.add(feed)


class _Rise:
    """A count that should stand still."""

    def __init__(self, count: Callable[[], int], logger: LogUtil, what: str) -> None:
        self._count = count
        self._logger = logger
        self._what = what
        self._seen = count()
        self._rising = False

    def look(self) -> None:
        now = self._count()
        rise, self._seen = now - self._seen, now
        if rise and not self._rising:
            self._logger.warning("%d %s", rise, self._what)
        elif self._rising and not rise:
            self._logger.info("no more %s", self._what)
        self._rising = rise > 0
