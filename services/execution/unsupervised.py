"""Execution without a supervisor: one task group, in which the first failure ends the whole service."""

from functools import partial
from typing import Any

import anyio

from services.execution import orchestrator
from services.execution.broker import server
from services.execution.identity import execution_config
from services.execution.shared_services import SharedServices
from services.execution.workers import decide, record, submit
from services.shared.logutil import LogUtil

__all__ = ("run",)


async def run(config: dict[str, Any], logger: LogUtil) -> None:
    """Run the broker (if it is embedded), the orchestrator and the workers until one fails; raises it in a group."""
    execution = execution_config(config)
    shared = SharedServices.make(execution, logger)
    try:
        async with anyio.create_task_group() as group:
            if execution.broker.embedded:
                await group.start(partial(server.run, execution.broker, shared.broker_clients))
            await group.start(partial(orchestrator.run, execution, shared.board, shared.control, logger))
            await group.start(partial(decide.run, execution, shared.board, shared.producer, shared.blocking))
            await group.start(partial(submit.run, execution, shared.producer, shared.blocking))
            await group.start(partial(record.run, execution, shared.producer))
    finally:
        await shared.aclose()
