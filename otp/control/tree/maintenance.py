"""Maintenance that ends by itself: which children are paused, and until when."""

import math
from collections.abc import Awaitable, Callable

import anyio

from otp.core.paths import is_within

AGAIN = 1.0
"""Seconds until a resume that was not possible is tried again."""


class Maintenance:
    """Knows the deadlines of pauses, in the tree's event loop and by its clock.

    Nested pauses do not stack: the first to expire resumes the subtree.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._changed = anyio.Event()

    def begin(self, path: str, seconds: float | None) -> None:
        """Note that `path` is paused with all below it, for `seconds`; None: until `end`. A later call replaces this one."""
        self._until[path] = math.inf if seconds is None else anyio.current_time() + seconds
        self._changed.set()

    def end(self, path: str) -> None:
        """Note that the maintenance of `path` and of all below it is over."""
        self._until = {one: until for one, until in self._until.items() if not is_within(one, path)}
        self._changed.set()

    def holds(self, path: str) -> bool:
        """Whether `path` itself is paused."""
        return path in self._until

    def left(self, path: str, now: float) -> float | None:
        """Seconds until the maintenance of `path` is over; None: it has none, or it ends by a resume alone."""
        first = min((until for one, until in self._until.items() if is_within(path, one)), default=math.inf)
        return None if first == math.inf else max(0.0, first - now)

    async def run(self, resume: Callable[[str], Awaitable[bool]]) -> None:
        """Resume what has been paused for its time, until cancelled.

        Args:
            resume: resumes the child at a path; False: not possible now, and tried again.
        """
        while True:
            self._changed = anyio.Event()
            with anyio.CancelScope(deadline=min(self._until.values(), default=math.inf)):
                await self._changed.wait()
            now = anyio.current_time()
            for path in [path for path, until in self._until.items() if until <= now]:
                if await resume(path):
                    self.end(path)
                else:
                    self.begin(path, AGAIN)
