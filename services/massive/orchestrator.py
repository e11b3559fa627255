"""The orchestrator: plans what to subscribe to, and watches what goes through the pipeline.

The wish list is a set on market-redis, so nothing is lost when the orchestrator restarts. While Redis is away it keeps
the plan it has: a list that cannot be read is no reason to stop a feed that flows.
"""

from collections import Counter

import anyio
from anyio.abc import TaskStatus
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as NoReply

from services.massive.config import Massive
from services.massive.pipeline import Counts, Pipeline
from services.massive.subscription_plan import plan_subscriptions
from services.shared.logutil import LogUtil
from services.shared.redis_clients import Client, until_it_answers

WATCH_INTERVAL = 5.0
"""Seconds between two looks at the wish list and the pipeline, when nothing calls for one earlier."""


async def run(
    config: Massive, pipeline: Pipeline, redis: Client, logger: LogUtil, *, task_status: TaskStatus[int]
) -> None:
    """Plan, say how many subscriptions are wanted, and go on planning and watching until stopped.

    Args:
        config: the service.
        pipeline: where the plan is posted, and what is watched; told of each turn.
        redis: client of market-redis, shared by all incarnations.
        logger: told of wishes and subscriptions that are refused, and of losses, once each.
        task_status: ready once a first plan is posted.
    """
    planner = _Planner(config, pipeline, redis, logger)
    await until_it_answers(redis)
    task_status.started(await planner.plan())
    watch = _Watch(pipeline, logger)
    while True:
        with anyio.move_on_after(WATCH_INTERVAL):
            await pipeline.wake.wait()
        pipeline.wake = anyio.Event()
        await planner.plan_if_reachable()
        watch.look()
        pipeline.turns.orchestrator += 1


class _Planner:
    """Turns the wish list on the bus into the plan that is posted to the socket's worker."""

    def __init__(self, config: Massive, pipeline: Pipeline, redis: Client, logger: LogUtil) -> None:
        self._config = config
        self._pipeline = pipeline
        self._redis = redis
        self._logger = logger
        self._refused: tuple[str, ...] = ()
        self._unreadable = ""

    async def plan(self) -> int:
        """Read the wish list, post the plan, and return how many subscriptions are wanted."""
        listed = await self._redis.execute_command("SMEMBERS", self._config.keys.subscription_list)
        wishes = {bytes(wish).decode(errors="replace") for wish in listed}
        plan = plan_subscriptions(wishes or self._config.feed.subscriptions, self._config.feed.market)
        self._pipeline.wishes.post(plan.wanted)
        for refused in plan.refused:
            if refused not in self._refused:
                self._logger.warning("subscription refused: %s", refused)
        self._refused = plan.refused
        return len(plan.wanted)

    async def plan_if_reachable(self) -> None:
        """The same, but a list that cannot be read leaves the plan as it is until the next look."""
        try:
            await self.plan()
        except (NotConnected, NoReply):  # the workers say so
            return
        except ResponseError as error:
            self._complain(str(error))
        else:
            self._unreadable = ""

    def _complain(self, why: str) -> None:
        if why != self._unreadable:
            self._logger.warning("the subscription list cannot be read, the plan stays as it is: %s", why)
        self._unreadable = why


class _Watch:
    """Says which subscriptions the provider refuses; once when frames begin to get lost, and once when that is over."""

    def __init__(self, pipeline: Pipeline, logger: LogUtil) -> None:
        self._counts: Counts = pipeline.counts
        self._refusals = pipeline.refusals
        self._logger = logger
        self._seen = self._counts.dropped_frames
        self._losing = False

    def look(self) -> None:
        """Compare with the last look."""
        self._look_at_refusals()
        self._look_at_losses()

    def _look_at_refusals(self) -> None:
        refused = Counter(self._refusals)
        self._refusals.clear()
        for message, times in refused.items():
            self._logger.warning("the provider refuses a subscription: %s (%d of them)", message, times)

    def _look_at_losses(self) -> None:
        dropped = self._counts.dropped_frames - self._seen
        self._seen = self._counts.dropped_frames
        if dropped and not self._losing:
            self._logger.warning("the bus is slower than the feed: %d frames dropped, the oldest first", dropped)
        elif self._losing and not dropped:
            self._logger.info("no more frames are dropped")
        self._losing = dropped > 0
