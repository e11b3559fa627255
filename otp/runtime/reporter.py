"""Event hooks: one task calls them with the events, in order, after the supervisor has acted."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from types import MethodType

import anyio
import anyio.lowlevel
from msgspec.structs import replace

from otp.checks.functions import check_plain
from otp.events import CallbackFailed, Event, HookFailed
from otp.exits import Crashed
from otp.foreign.guard import CallFailed, Role, call, name_of
from otp.runtime.crash import describe

EventHook = Callable[[Event], None]
"""Called with each event. It runs in the event loop, so it must not block; one that raises is detached and reported.

`sys.exit` and Ctrl-C in a hook do what they do in a child: the tree stops in order, and they go on upwards.

Attributes of a hook that count: `lasting = True`: it stays attached when it raises; `writes_log = True`: it writes the
events where people read them. If no hook does, failures of hooks are written to the logger "otp".
"""

_log = logging.getLogger("otp")

REMEMBERED = 1_000
"""Failed functions that are remembered as reported; when there are more, the memory is cleared."""

TURNS = 3
"""Turns of the event loop, at most, that hooks wait for the first line of an incarnation that is scheduled."""


class _Attached:
    """A hook, with its name and its attributes."""

    __slots__ = ("hook", "lasting", "name", "writes_log")

    def __init__(self, hook: EventHook) -> None:
        self.hook = hook
        self.name = name_of(hook)
        self.lasting = call(Role.HOOK, self.name, getattr, hook, "lasting", False) is True
        self.writes_log = call(Role.HOOK, self.name, getattr, hook, "writes_log", False) is True

    def is_that(self, hook: EventHook) -> bool:
        """Compare without `==`, which may be foreign code, except for methods, which are a new object each time."""
        return self.hook is hook or (type(hook) is MethodType and type(self.hook) is MethodType and self.hook == hook)


class Reporter:
    """Hands events to the hooks. Exceptions in them become text, so no exception outlives its report."""

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
        self._hooks = [_Attached(hook) for hook in hooks]
        self.heard = bool(self._hooks)
        self._reported: set[tuple[str, str]] = set()
        self._queue: deque[Event] = deque()
        self._wake = anyio.Event()

    def attach(self, hook: EventHook) -> None:
        """Call `hook` with the events from now on."""
        self._hooks.append(_Attached(hook))
        self.heard = True

    def detach(self, hook: EventHook) -> None:
        """Stop calling `hook`; nothing happens if it is not attached."""
        found = next((one for one in self._hooks if one.is_that(hook)), None)
        if found is not None:
            self._detach(found)

    def put(self, event: Event) -> None:
        """Queue the event for the hooks, if there are any."""
        if self.heard:
            self._queue.append(event)

    def call_failed(self, path: str, failure: CallFailed) -> None:
        """Report that a function which the program handed over has failed, once for each function.

        Args:
            path: of the child that it was called for, or of the supervisor.
            failure: what failed. Ctrl-C and `sys.exit` in it stop the tree in order, each time.
        """
        if (interrupt := failure.interrupt) is not None:
            self._interrupt(interrupt)
            return
        about = failure.role, failure.name
        if about in self._reported:
            return
        if len(self._reported) >= REMEMBERED:
            self._reported.clear()
        self._reported.add(about)
        event = CallbackFailed(
            path=path, at=self._now(), role=failure.role, name=failure.name, crash=describe(failure.error)
        )
        self._tell_failure(event, f"{event.role} {event.name} failed: {event.crash}")

    def wake(self) -> None:
        """Deliver the queue soon: after the tasks that are already scheduled."""
        if self._queue:
            self._wake.set()

    async def run(self) -> None:
        """Deliver, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            await self._await_first_line()
            self.deliver()

    async def _await_first_line(self) -> None:
        """Let an incarnation that is scheduled run its first line before the hooks: trio's order of tasks is random."""
        for _ in range(TURNS):
            if not self._starting():
                return
            await anyio.lowlevel.checkpoint()

    def deliver(self) -> None:
        """Call the hooks with all queued events, now."""
        while self._queue:
            event = _as_text(self._queue.popleft())
            for one in tuple(self._hooks):
                said = call(Role.HOOK, one.name, one.hook, event)
                if type(said) is CallFailed:
                    self._failed(one, said)

    def _failed(self, one: _Attached, failure: CallFailed) -> None:
        if one.lasting or failure.interrupt is not None:
            self.call_failed(self._root, failure)
            return
        self._detach(one)
        event = HookFailed(path=self._root, at=self._now(), hook=one.name, crash=describe(failure.error))
        self._tell_failure(event, f"event hook {event.hook} raised and is detached: {event.crash}")

    def _detach(self, one: _Attached) -> None:
        if one in self._hooks:
            self._hooks.remove(one)
            self.heard = bool(self._hooks)

    def _tell_failure(self, event: HookFailed | CallbackFailed, text: str) -> None:
        self.put(event)
        if not any(one.writes_log for one in self._hooks):
            failed = call(Role.LOG, "otp", _log.error, "%s  %s", event.path, text)
            del failed  # there is no other place to report it


def _as_text(event: Event) -> Event:
    exit = getattr(event, "exit", None)
    if isinstance(exit, Crashed) and exit.error is not None:
        return replace(event, exit=Crashed(None, describe(exit.error)))
    return event


def check_hooks(hooks: Iterable[EventHook]) -> tuple[EventHook, ...]:
    """The hooks, as they are.

    Raises:
        SpecError: one of them is no function that can be called with an event.
    """
    listed = tuple(hooks)
    for hook in listed:
        check_plain("event hook", hook, "event", instead="write def hook(event), which must not block")
    return listed
