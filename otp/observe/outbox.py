"""A bounded queue between the tree and a sink that does I/O: the tree puts and goes on, one task sends.

    outbox = Outbox("incidents", send)
    async with open_outbox(outbox):     # sends while the block runs, and what is left for some seconds more
        outbox.put(item)                # never waits, never raises

While the sink is down its items wait, and are tried again after growing pauses. Beyond `limit` the oldest are dropped and
counted, and their number is logged when the sink takes items again. An item with a key replaces the one of the same key
that still waits, for the newest state is enough.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from random import random
from typing import Any, Generic, TypeVar

import anyio
from anyio.abc import TaskStatus

from otp.core.backoff import delay
from otp.foreign.guard import CallFailed, Role
from otp.observe.background_tasks import background_tasks
from otp.observe.log import tell
from otp.observe.sentences import Level
from otp.policy import Backoff
from otp.runtime.attempt import attempt, is_ours
from otp.runtime.crash import describe

T = TypeVar("T")

LIMIT = 1_000
"""Items that may wait."""

TIMEOUT = 10.0
"""Seconds that one try may take; then it has failed."""

REST = 1.0
"""Seconds before sending goes on, when something other than the sink has broken it off."""

PATIENCE = 2.0
"""Seconds in which what is left is sent at the end."""


class Undeliverable(Exception):
    """Raised by a sink for an item that another try would not deliver either: it is dropped, and counted."""


class Outbox(Generic[T]):
    """Items on their way to one sink.

    Args:
        name: of the sink, for the log.
        send: delivers one item, or raises.
        limit: items that may wait.
        backoff: pauses between tries while the sink is down.
        timeout: seconds for one try.

    Attributes:
        sent: items that were delivered.
        dropped: items that were dropped for newer ones, or at the end.
        refused: items that the sink called undeliverable.
        failures: tries that failed since the last that did not.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[T], Awaitable[None]],
        *,
        limit: int = LIMIT,
        backoff: Backoff | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = name
        self.sent = 0
        self.dropped = 0
        self.refused = 0
        self.failures = 0
        self._reported = 0
        self._send = send
        self._limit = max(limit, 1)
        self._backoff = backoff or Backoff()
        self._timeout = timeout
        self._waiting: dict[object, T] = {}
        self._sending: object = None
        self._news = anyio.Event()
        self._empty = anyio.Event()
        self._closing = anyio.Event()
        self._life: anyio.CancelScope | None = None

    @property
    def waiting(self) -> int:
        """Items that have not been delivered yet."""
        return len(self._waiting)

    def put(self, item: T, key: object = None) -> None:
        """Take an item. It replaces the one of the same key that waits."""
        if self._closing.is_set():
            self.dropped += 1
            return
        key = object() if key is None else key
        if len(self._waiting) >= self._limit and key not in self._waiting:
            self._drop_oldest()
        self._waiting[key] = item
        self._news.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Send, until closed or cancelled."""
        with anyio.CancelScope() as self._life:
            task_status.started()
            while not await self._has_sent_all():
                await self._pause(REST)

    async def aclose(self, patience: float = PATIENCE) -> None:
        """Take no more items, send those that wait for `patience` seconds, drop the rest, and end `run`."""
        self._closing.set()
        self._news.set()
        if self._life is not None:
            with anyio.move_on_after(patience, shield=True):
                while self._waiting:
                    await self._empty.wait()
            self._life.cancel()
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._report_dropped("when it was closed")

    async def _has_sent_all(self) -> bool:
        """Send until closed; return False if neither the sink nor the owner has broken it off."""
        try:
            await self._send_all()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            if is_ours(error):
                raise
            self._say("ERROR", f"was broken off, and goes on: {describe(error)}")
            return False
        return True

    async def _send_all(self) -> None:
        while True:
            while self._waiting:
                await self._deliver(next(iter(self._waiting)))
            self._empty.set()
            self._report_dropped("while the sink was down, or too slow")
            if self._closing.is_set():
                return
            self._news = anyio.Event()
            await self._news.wait()
            self._empty = anyio.Event()

    async def _deliver(self, key: object) -> None:
        """Deliver the oldest item, however long it takes, unless it is dropped meanwhile."""
        while key in self._waiting:
            item = self._waiting[key]
            if await self._try(key, item):
                if self._waiting.get(key) is item:
                    del self._waiting[key]
                return
            failure = 1 if self._closing.is_set() else self.failures
            await self._pause(delay(self._backoff, failure, random()))  # noqa: S311 # jitter

    async def _try(self, key: object, item: T) -> bool:
        self._sending = key
        try:
            failed = await attempt(Role.SINK, self.name, self._send, item, within=self._timeout, owner=self)
        finally:
            self._sending = None
        if type(failed) is not CallFailed:
            self.sent += 1
            self._is_up()
            return True
        if (interrupt := failed.interrupt) is not None:
            raise interrupt
        if issubclass(type(failed.error), Undeliverable):
            self.refused += 1
            self._say("WARNING", f"an item was given up: {describe(failed.error)}")
            return True
        self._failed(failed.error)
        return False

    async def _pause(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            if self._closing.is_set():
                await anyio.sleep(seconds)
            await self._closing.wait()

    def _failed(self, error: BaseException) -> None:
        self.failures += 1
        if self.failures == 1:
            self._say("WARNING", f"the sink takes nothing, items wait: {describe(error)}")

    def _is_up(self) -> None:
        if self.failures:
            self._say("INFO", f"the sink takes items again; {self.waiting - 1} wait")
        self.failures = 0

    def _report_dropped(self, when: str) -> None:
        dropped, self._reported = self.dropped - self._reported, self.dropped
        if dropped:
            self._say("WARNING", f"{dropped} {'item was' if dropped == 1 else 'items were'} dropped {when}")

    def _say(self, level: Level, text: str) -> None:
        tell(level, f"outbox {self.name}", text)

    def _drop_oldest(self) -> None:
        oldest = next((key for key in self._waiting if key != self._sending), None)
        if oldest is not None:
            del self._waiting[oldest]
            self.dropped += 1


@asynccontextmanager
async def open_outbox(*outboxes: Outbox[Any], patience: float = PATIENCE) -> AsyncGenerator[None]:
    """Run outboxes while the block runs, and close all of them at once when it ends.

    Args:
        outboxes: each is run by a task of its own.
        patience: seconds in which they may send what is left.
    """

    async def close() -> None:
        async with anyio.create_task_group() as closing:
            for outbox in outboxes:
                closing.start_soon(outbox.aclose, patience)

    async with background_tasks(
        *(partial(_run_shielded, outbox) for outbox in outboxes), name="an outbox", ending=close
    ):
        yield


async def _run_shielded(outbox: Outbox[Any], *, task_status: TaskStatus[None]) -> None:
    """Run an outbox until `aclose` ends it: also in a block that is cancelled it sends what waits."""
    with anyio.CancelScope(shield=True):
        await outbox.run(task_status=task_status)
    await anyio.sleep_forever()  # to return would count as an end before its time
