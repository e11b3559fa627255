"""A rolling baseline: mean and deviation of what was measured, the older the less it counts."""

from math import sqrt

from msgspec import Struct


class Baseline(Struct, array_like=True):
    """Exact (Welford) while there are few samples, exponentially weighted from then on.

    Attributes:
        samples: how many went in.
        mean: of them.
        variance: of them.
    """

    samples: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def score(self, value: float, least: float) -> float:
        """How many deviations `value` lies above the mean, below it if negative; a deviation is at least `least`."""
        return (value - self.mean) / max(sqrt(self.variance), least)

    def learn(self, value: float, memory: int) -> None:
        """Take a sample in; from about `memory` samples on, each new one makes the older ones count less."""
        self.samples += 1
        share = max(1 / self.samples, 2 / (memory + 1))
        difference = value - self.mean
        self.mean += share * difference
        self.variance = (1 - share) * (self.variance + share * difference * difference)
