"""Plans, starts the workers, and waits for the first of them to fail."""

import asyncio
from pathlib import Path

from legacy import feed, report


def plan(config):
    """Which symbols to follow."""
    return Path(config["QUOTES_SYMBOLS"]).read_text().split()


async def run(config, logger):
    stop_event = asyncio.Event()
    config["plan"] = plan(config)
    workers = [feed.Worker(config, logger), report.Worker(config, logger)]
    tasks = [asyncio.create_task(worker.run(stop_event)) for worker in workers]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            if task.exception():
                logger.error("worker failed: %s", task.exception())
    finally:
        stop_event.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        logger.info("orchestrator stopped")
