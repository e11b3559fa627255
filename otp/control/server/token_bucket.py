"""A token bucket: how often something may be done at the most, and how much of it at once."""

import time
from collections.abc import Callable


class TokenBucket:
    """Holds up to `burst` tokens, and gets `rate` more each second.

    Args:
        rate: tokens a second.
        burst: tokens at first, and at the most.
        now: the time, in seconds; it only ever grows.
    """

    def __init__(self, rate: float, burst: int = 1, *, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._tokens = float(burst)
        self._at = now()

    def take(self) -> bool:
        """Take a token; False: there is none."""
        self._refill()
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def book(self) -> float:
        """Take the next token; returns the seconds until it is there. A caller that waits for so long keeps to the rate."""
        self._refill()
        self._tokens -= 1.0
        return max(0.0, -self._tokens / self._rate)

    def _refill(self) -> None:
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
