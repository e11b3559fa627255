import anyio
import pytest
from redis.exceptions import ConnectionError as NotConnected

from services.massive.pipeline import Pipeline
from services.massive.workers import subscriptions
from services.shared import redis_clients

CHANNEL = "massive:ws:subscription_updated"


def is_called(pipeline):
    if not pipeline.wake.is_set():
        return False
    pipeline.wake = anyio.Event()
    return True


def is_subscribed(raw):
    return dict(raw.pubsub_numsub(CHANNEL)) == {CHANNEL.encode(): 1}


async def test_the_orchestrator_is_called_when_subscribed_and_at_each_message(massive, raw, until):
    pipeline = Pipeline(1)
    async with anyio.create_task_group() as group:
        await group.start(lambda task_status: subscriptions.run(massive, pipeline, task_status=task_status))
        assert is_subscribed(raw)
        assert is_called(pipeline)
        assert not is_called(pipeline)
        for _ in range(2):
            raw.publish(CHANNEL, "changed")
            await until(lambda: is_called(pipeline))
        group.cancel_scope.cancel()
    assert not is_subscribed(raw)


async def test_a_lost_connection_is_raised_and_the_next_incarnation_calls_at_once(massive, market, raw, until):
    pipeline = Pipeline(1)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            await group.start(lambda task_status: subscriptions.run(massive, pipeline, task_status=task_status))
            assert is_called(pipeline)
            market.kill()
            await anyio.sleep(5)
    assert isinstance(caught.value.exceptions[0], NotConnected)
    assert not is_called(pipeline)
    await market.start()
    async with anyio.create_task_group() as group:
        await group.start(lambda task_status: subscriptions.run(massive, pipeline, task_status=task_status))
        assert is_called(pipeline)
        group.cancel_scope.cancel()


async def test_with_a_client_that_retries_a_new_subscription_counts_as_a_message(massive, market, raw, until):
    pipeline, client = Pipeline(1), redis_clients.control(massive.buses.market)
    async with anyio.create_task_group() as group:
        await group.start(lambda task_status: subscriptions.run(massive, pipeline, client, task_status=task_status))
        assert is_called(pipeline)
        raw.client_kill_filter(_type="pubsub")
        await until(lambda: is_called(pipeline))
        assert is_subscribed(raw)
        group.cancel_scope.cancel()
    await client.aclose()
