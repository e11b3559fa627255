"""Listening to the heartbeat from outside, as a healer does."""

import time

from services.shared import redis_clients

LATE = 1.5
"""Intervals between two beats that count as a gap."""


class HeartbeatWatch:
    """Counts beats and gaps.

    Attributes:
        beats: heard so far.
        gaps: times between two beats that were longer than `LATE` intervals.
    """

    def __init__(self, url: str, channel: str, interval: float) -> None:
        self.beats = 0
        self.gaps = 0
        self._url = url
        self._channel = channel
        self._interval = interval

    async def run(self) -> None:
        """Listen until cancelled."""
        client = redis_clients.blocking(self._url)
        async with redis_clients.opened(client):
            channel = client.pubsub()
            async with redis_clients.opened(channel):
                await channel.subscribe(self._channel)
                last: float | None = None
                async for message in channel.listen():
                    if message["type"] == "message":
                        now = time.monotonic()
                        self.beats += 1
                        self.gaps += last is not None and now - last > LATE * self._interval
                        last = now
