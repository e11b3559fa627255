"""An event hook that remembers."""

from collections.abc import Callable
from typing import TypeVar

import anyio

from otp.events import Event

E = TypeVar("E")


class EventRecorder:
    """Collects the events of a tree: `open_supervisor(spec, hooks=[recorder])`.

    Attributes:
        events: all of them, in order.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = anyio.Event()

    def __call__(self, event: Event) -> None:
        """Remember the event."""
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[E], path: str | None = None) -> list[E]:
        """The events of one type, of all paths or of one."""
        return [event for event in self.events if isinstance(event, kind) and path in (None, event.path)]

    async def wait_for(
        self, kind: type[E], path: str | None = None, *, count: int = 1, where: Callable[[E], bool] = lambda _: True
    ) -> E:
        """Wait until there are `count` such events, those of the past included; return the last of them."""
        while True:
            found = [event for event in self.of(kind, path) if where(event)]
            if len(found) >= count:
                return found[count - 1]
            self._news = anyio.Event()
            await self._news.wait()
