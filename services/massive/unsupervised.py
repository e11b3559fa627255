"""Massive without a supervisor, as it always ran: one task group, in which the first failure ends the whole service."""

from functools import partial
from typing import Any

import anyio

from services.massive import orchestrator
from services.massive.identity import massive_config
from services.massive.shared_services import SharedServices
from services.massive.workers import consume, publish, stream, subscriptions
from services.shared.logutil import LogUtil

__all__ = ("run",)


async def run(config: dict[str, Any], logger: LogUtil) -> None:
    """Run the orchestrator and the workers until one of them fails; its exception comes out in a group."""
    massive = massive_config(config)
    shared = SharedServices.make(massive, logger)
    pipeline = shared.pipeline
    try:
        async with anyio.create_task_group() as group:
            await group.start(partial(orchestrator.run, massive, pipeline, shared.control, logger))
            await group.start(partial(publish.run, massive, pipeline, shared.producer))
            await group.start(partial(consume.run, massive, pipeline, shared.blocking))
            await group.start(partial(subscriptions.run, massive, pipeline, shared.control))
            await group.start(partial(stream.run, massive.feed, pipeline))
    finally:
        await shared.aclose()
