"""Workers of the old shape under supervision: an object made of config and logger, whose `run` takes a stop event.

    worker("feed", legacy_worker.run, feed.Worker, config, logger)

Its failures are raised, and a cancellation reaches it as the stop event first, so that the worker needs no change.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

import anyio
import anyio.lowlevel

GRACE = 3.0
"""Seconds that a worker has from the stop event to its end; below the 5 that a child has to stop."""


class LegacyWorker(Protocol):
    """A worker that runs until its event is set."""

    async def run(self, stop_event: asyncio.Event, /) -> object:
        """Run until stopped."""
        ...


C = TypeVar("C")
L = TypeVar("L")


async def run(make: Callable[[C, L], LegacyWorker], config: C, logger: L, grace: float = GRACE) -> None:
    """Make a worker and run it; when it is to stop, set its stop event, and cancel it `grace` seconds later.

    The worker runs in this very task, so that `otp stack` shows where it hangs. Declare the child with `cancel="scope"`: the
    worker is shielded, and a single cancellation would wait for the end of the shield until the child is killed.

    Args:
        make: usually the worker's class; called for each incarnation, so that none inherits the state of another.
        config: its first argument.
        logger: its second one.
        grace: seconds; keep it below the child's `shutdown`.

    Raises:
        Exception: what the worker raises.
    """
    stop_event = asyncio.Event()
    failure: BaseException | None = None
    async with anyio.create_task_group() as group:
        shielded = anyio.CancelScope(shield=True)
        group.start_soon(_tell, stop_event, shielded, grace)
        try:
            with shielded:
                await make(config, logger).run(stop_event)
        except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 (raised below, where no group wraps it)
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        try:
            raise failure
        finally:
            del failure  # its traceback holds this frame
    await anyio.lowlevel.checkpoint_if_cancelled()  # it has stopped because of that, and the cancellation goes on


async def _tell(stop_event: asyncio.Event, worker: anyio.CancelScope, grace: float) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        stop_event.set()
        worker.deadline = anyio.current_time() + grace
