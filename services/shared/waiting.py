"""Saying that something is waited for, again and again while it is: silence looks like a hang."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from services.shared.logutil import Log

FIRST = 3.0
"""Seconds after which it is said for the first time."""

EVERY = 10.0
"""Seconds between two lines."""


@contextmanager
def said_while_it_lasts(logger: Log, what: str) -> Generator[None]:
    """Say what the block waits for, and for how long by now, for as long as it lasts.

    Args:
        logger: told.
        what: is waited for, as the beginning of a sentence: it "has not answered for 3 s; still trying".
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    timers: list[asyncio.TimerHandle] = []

    def say() -> None:
        logger.warning("%s has not answered for %d s; still trying", what, round(loop.time() - began))
        timers[:] = [loop.call_later(EVERY, say)]

    timers.append(loop.call_later(FIRST, say))
    try:
        yield
    finally:
        timers[0].cancel()
