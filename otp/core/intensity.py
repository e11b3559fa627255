"""The restart window: whether one more restart is within the limit (S27), in float seconds (D1)."""

from collections import deque


class RestartWindow:
    """Restarts of one supervisor within the last `period` seconds, both ends included.

    It holds `intensity + 1` stamps at the most: the restart over the limit ends the supervisor, so none can follow.
    """

    __slots__ = ("_stamps", "intensity", "period")

    def __init__(self, intensity: int, period: float) -> None:
        self.intensity = intensity
        self.period = period
        self._stamps: deque[float] = deque()

    def record(self, now: float) -> bool:
        """Count a restart at `now`, also when it is refused; whether it is within the limit."""
        stamps = self._stamps
        stamps.append(now)
        oldest = now - self.period
        while stamps[0] < oldest:
            stamps.popleft()
        return len(stamps) <= self.intensity

    def clear(self) -> None:
        """Forget all restarts so far."""
        self._stamps.clear()

    @property
    def used(self) -> int:
        """Restarts in the window as it was at the last `record`."""
        return len(self._stamps)

    def used_at(self, now: float) -> int:
        """Restarts in the window at the time `now`, which counts nothing."""
        return sum(stamp >= now - self.period for stamp in self._stamps)
