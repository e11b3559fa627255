"""`main` of every service: as it ran before there was a supervisor. The first failure ends the whole service."""

import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NoReturn, TypeVar

import anyio
from anyio.abc import TaskStatus

from services.shared.heartbeat import start_heartbeat
from services.shared.identity import ConfigError
from services.shared.logutil import LogUtil
from services.shared.setup_base import SetupBase
from services.shared.shared_services import Closable

Worker = Callable[..., Coroutine[Any, Any, object]]
"""Takes `task_status`, and says by it when it is ready."""

C = TypeVar("C")
S = TypeVar("S", bound=Closable)


def run_unsupervised(
    name: str,
    config: Callable[[dict[str, Any]], C],
    shared: Callable[[C, LogUtil], S],
    workers: Callable[[C, S], Iterable[Worker]],
) -> NoReturn:
    """Run a service without a supervisor, as the last act of this process.

    It exits with 0 after SIGTERM or SIGINT, with 78 when its identity is missing or wrong, with 1 after a failure.

    Args:
        name: of the service.
        config: checks the identity that `SetupBase` has loaded, and returns the configuration; raises ConfigError.
        shared: makes what the workers share.
        workers: in the order in which they start, each when the one before it is ready.
    """
    sys.exit(anyio.run(_main, name, config, shared, workers))


async def _main(
    name: str,
    config: Callable[[dict[str, Any]], C],
    shared: Callable[[C, LogUtil], S],
    workers: Callable[[C, S], Iterable[Worker]],
) -> int:
    """Bootstrap, identity, shared services, workers: four phases, each once."""
    logger = LogUtil(name)
    try:
        identity = await SetupBase(name, logger).load()
        checked = config(identity)
    except (RuntimeError, ConfigError) as wrong:
        logger.critical(wrong)
        return os.EX_CONFIG
    logger.configure_from_config(identity)
    heartbeat = start_heartbeat(name, identity, logger)
    made = shared(checked, logger)
    try:
        await _run(workers(checked, made))
    finally:
        await made.aclose()
        heartbeat.set()
    return os.EX_OK


async def _run(workers: Iterable[Worker]) -> None:
    """Run them until one fails, whose exception comes out in a group, or a signal ends all."""
    async with anyio.create_task_group() as group:
        await group.start(_stop_on_signal, group.cancel_scope)
        for worker in workers:
            await group.start(worker)


async def _stop_on_signal(scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        await anext(signals)
        scope.cancel()
