"""Virtual time: an hour of sleeping passes at once, and in the right order.

The clock stands still while anything can run, and jumps to the next deadline when nothing can. What waits for a thread
or another process should not be tested this way: the clock does not wait for them.
"""

import asyncio
import selectors
from typing import Any, Literal


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a time-out it moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop with a virtual clock that begins at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # What is due within this many seconds is due now. asyncio's own value is that of the real clock, 1 ns; after
        # a hundred days it is lost in the rounding, and what is due would never come.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now


def virtual_backend(backend: Literal["asyncio", "trio"]) -> tuple[str, dict[str, Any]]:
    """Name and options of a backend with a virtual clock, for `anyio.run` and for anyio's `anyio_backend` fixture.

    Make a new one for each run.
    """
    if backend == "asyncio":
        return "asyncio", {"loop_factory": VirtualTimeLoop}
    from trio.testing import MockClock  # noqa: PLC0415 # only where trio is installed

    return "trio", {"clock": MockClock(autojump_threshold=0)}
