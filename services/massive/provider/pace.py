"""How much is due by now, at a rate per second."""

import math

CATCH_UP = 1.0
"""Seconds that are made up for when the event loop stood still; what is older is left out."""


class Pace:
    """Counts from a fixed moment, so that the rate holds over hours, however late each single look at it is."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._since = now
        self._taken = 0

    def change(self, rate: float, now: float) -> None:
        """Go on at another rate from now on."""
        self._rate, self._since, self._taken = rate, now, 0

    def take(self, now: float) -> int:
        """How many are due and were not yet taken; they count as taken."""
        due = math.floor((now - self._since) * self._rate) - self._taken
        if due > self._rate * CATCH_UP + 1:
            due = math.ceil(self._rate * CATCH_UP)
            self.change(self._rate, now)
            return due
        self._taken += due
        return due

    def next_at(self) -> float:
        """When the next one is due; infinity for a rate of 0."""
        return self._since + (self._taken + 1) / self._rate if self._rate else math.inf
