"""Event hooks: told what happened after it was acted upon, in order, by one task."""

from collections import deque
from collections.abc import Callable, Iterable

import anyio
import anyio.lowlevel
from msgspec.structs import replace

from otp.events import (
    ChildDelayed,
    ChildExited,
    ChildFailed,
    ChildHeld,
    ChildPaused,
    ChildRestarting,
    ChildStartFailed,
    Event,
    FatalFailure,
    HookFailed,
    IntensityReached,
    SupervisorExited,
    SupervisorStopping,
)
from otp.exits import Crashed
from otp.runtime.crash import describe

__all__ = ("EventHook", "Reporter")

EventHook = Callable[[Event], None]
"""Called with each event. It runs in the event loop, so it must not block; one that raises is detached.

`sys.exit` and Ctrl-C in a hook do what they do in a child: the tree stops in order, and they go on upwards.
"""

TURNS = 3
"""Turns of the event loop, at most, in which an incarnation that is scheduled gets to its first line before the hooks."""

_WITH_EXIT = (
    ChildDelayed,
    ChildExited,
    ChildFailed,
    ChildHeld,
    ChildPaused,
    FatalFailure,
    ChildRestarting,
    ChildStartFailed,
    IntensityReached,
    SupervisorExited,
    SupervisorStopping,
)


class Reporter:
    """Hands events to the hooks. Exceptions become text on the way, so none outlives its report."""

    def __init__(
        self,
        root: str,
        now: Callable[[], float],
        hooks: Iterable[EventHook],
        interrupt: Callable[[BaseException], None],
        starting: Callable[[], bool],
    ) -> None:
        self._root = root
        self._interrupt = interrupt
        self._starting = starting
        self._now = now
        self._hooks = list(hooks)
        self.heard = bool(self._hooks)
        self._queue: deque[Event] = deque()
        self._wake = anyio.Event()

    def attach(self, hook: EventHook) -> None:
        """Tell `hook` of what happens from now on."""
        self._hooks.append(hook)
        self.heard = True

    def detach(self, hook: EventHook) -> None:
        """Tell it no more; nothing happens if it is not attached."""
        if hook in self._hooks:
            self._hooks.remove(hook)
            self.heard = bool(self._hooks)

    def put(self, event: Event) -> None:
        """Keep the event for the hooks. Without hooks there is nobody to tell."""
        if self.heard:
            self._queue.append(event)

    def wake(self) -> None:
        """Tell the hooks what waits, soon: after the tasks that are already scheduled."""
        if self._queue:
            self._wake.set()

    async def run(self) -> None:
        """Deliver, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            await self._let_it_start()
            self.deliver()

    async def _let_it_start(self) -> None:
        """Hooks come after the first line of an incarnation: trio runs the tasks of one turn in any order."""
        for _ in range(TURNS):
            if not self._starting():
                return
            await anyio.lowlevel.checkpoint()

    def deliver(self) -> None:
        """Hand over what waits, now."""
        while self._queue:
            event = _as_text(self._queue.popleft())
            for hook in tuple(self._hooks):
                try:
                    hook(event)
                except (KeyboardInterrupt, SystemExit) as interrupt:
                    self._interrupt(interrupt)
                except Exception as error:  # noqa: BLE001 # a hook never harms the tree
                    self._failed(hook, error)

    def _failed(self, hook: EventHook, error: Exception) -> None:
        self.detach(hook)
        name = getattr(hook, "__qualname__", type(hook).__qualname__)
        self.put(HookFailed(path=self._root, at=self._now(), hook=name, crash=describe(error)))


def _as_text(event: Event) -> Event:
    if isinstance(event, _WITH_EXIT) and isinstance(event.exit, Crashed) and event.exit.error is not None:
        return replace(event, exit=Crashed(None, describe(event.exit.error)))
    return event
