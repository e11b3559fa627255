"""subscriptions: wakes the orchestrator when somebody says that the subscription list on market-redis has changed."""

from anyio.abc import TaskStatus

from services.massive.config import Massive
from services.massive.pipeline import Pipeline
from services.shared import redis_clients
from services.shared.redis_clients import Client


async def run(
    config: Massive, pipeline: Pipeline, client: Client | None = None, *, task_status: TaskStatus[None]
) -> None:
    """Listen on the channel until stopped; ready once subscribed.

    What was published while nobody listened is lost, so each confirmed subscription counts as a message: the first one,
    and each one after a lost connection.

    Args:
        config: the service.
        pipeline: its orchestrator is called.
        client: of market-redis; None: one of its own.
        task_status: told when the channel is subscribed.

    Raises:
        redis.exceptions.ConnectionError: the connection is gone and the client does not retry.
    """
    async with redis_clients.lent_or_opened(client, redis_clients.blocking, config.buses.market) as redis:
        await redis_clients.until_it_answers(redis)
        channel = redis.pubsub()
        async with redis_clients.opened(channel):
            await channel.subscribe(config.keys.subscription_updated)
            ready = False
            async for message in channel.listen():
                pipeline.call_orchestrator()
                if not ready and message["type"] == "subscribe":
                    ready = True
                    task_status.started()
    raise RuntimeError(f"the subscription to {config.keys.subscription_updated!r} ended by itself")
