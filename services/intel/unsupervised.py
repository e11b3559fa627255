"""Intel without a supervisor: one task group, in which the first failure ends the whole service."""

from functools import partial

import anyio

from services.intel import orchestrator
from services.intel.config import Intel
from services.intel.shared_services import SharedServices
from services.intel.workers import feed, signals
from services.shared.logutil import LogUtil

__all__ = ("run",)


async def run(config: Intel, logger: LogUtil) -> None:
    """Run the orchestrator and the workers until one of them fails; its exception comes out in a group."""
    shared = SharedServices.make(config, logger)
    pipeline = shared.pipeline
    try:
        async with anyio.create_task_group() as group:
            await group.start(partial(orchestrator.run, config, pipeline, shared.intel, logger))
            await group.start(partial(signals.run, config, pipeline, shared.reader, shared.intel))
            for one in config.news.feeds:
                await group.start(partial(feed.run, one, config, pipeline, shared.http, shared.intel))
    finally:
        await shared.aclose()
