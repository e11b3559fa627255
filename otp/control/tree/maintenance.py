"""Maintenance that ends by itself: which paths are paused, and until when."""

import math
from collections.abc import Awaitable, Callable

import anyio

from otp.core.paths import is_within

__all__ = ("Maintenance",)

AGAIN = 1.0
"""Seconds until one that could not be ended is tried again."""


class Maintenance:
    """Knows the deadlines of pauses, in the tree's event loop and by its clock.

    Of two that are within each other the one that is over first ends for all below it: a resume knows no exceptions.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._changed = anyio.Event()

    def begin(self, path: str, seconds: float | None) -> None:
        """`path` and all below it are paused, for so many seconds; None: until `end`. A later call replaces this one."""
        self._until[path] = math.inf if seconds is None else anyio.current_time() + seconds
        self._changed.set()

    def end(self, path: str) -> None:
        """It is over for `path` and all below it."""
        self._until = {one: until for one, until in self._until.items() if not is_within(one, path)}
        self._changed.set()

    def holds(self, path: str) -> bool:
        """Whether `path` itself is paused."""
        return path in self._until

    def left(self, path: str, now: float) -> float | None:
        """Seconds until the maintenance of `path` is over; None: it has none, or it ends when somebody ends it."""
        first = min((until for one, until in self._until.items() if is_within(path, one)), default=math.inf)
        return None if first == math.inf else max(0.0, first - now)

    async def run(self, over: Callable[[str], Awaitable[bool]]) -> None:
        """End what is over, until cancelled.

        Args:
            over: called with each path whose time is over; whether that has been ended. If not, it is asked again.
        """
        while True:
            self._changed = anyio.Event()
            with anyio.CancelScope(deadline=min(self._until.values(), default=math.inf)):
                await self._changed.wait()
            now = anyio.current_time()
            for path in [path for path, until in self._until.items() if until <= now]:
                if await over(path):
                    self.end(path)
                else:
                    self.begin(path, AGAIN)
