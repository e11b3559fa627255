"""Sentiment without a supervisor: one task group, in which the first failure ends the whole service."""

from functools import partial
from typing import Any

import anyio

from services.sentiment import orchestrator
from services.sentiment.identity import sentiment_config
from services.sentiment.shared_services import SharedServices
from services.sentiment.workers import score
from services.shared.logutil import LogUtil

__all__ = ("run",)


async def run(config: dict[str, Any], logger: LogUtil) -> None:
    """Run the orchestrator and the worker until one of them fails; its exception comes out in a group."""
    sentiment = sentiment_config(config)
    shared = SharedServices.make(sentiment, logger)
    try:
        async with anyio.create_task_group() as group:
            await group.start(partial(orchestrator.run, sentiment, shared.tally, shared.control, logger))
            await group.start(partial(score.run, sentiment, shared.lexicon, shared.tally, shared.blocking))
    finally:
        await shared.aclose()
