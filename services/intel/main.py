"""`python -m services.intel.main`: intel without a supervisor."""

import os
import signal
import sys

import anyio
from anyio.abc import TaskStatus

from services.intel import unsupervised
from services.intel.identity import intel_config
from services.shared.heartbeat import start_heartbeat
from services.shared.identity import ConfigError
from services.shared.logutil import LogUtil
from services.shared.setup_base import SetupBase

SERVICE = "intel"


async def main() -> int:
    """Bootstrap, identity, shared services, orchestrator: four phases, each once; returns the exit code."""
    logger = LogUtil(SERVICE)
    try:
        config = await SetupBase(SERVICE, logger).load()
        intel = intel_config(config)
    except (RuntimeError, ConfigError) as wrong:
        logger.critical(wrong)
        return os.EX_CONFIG
    logger.configure_from_config(config)
    heartbeat = start_heartbeat(SERVICE, config, logger)
    try:
        async with anyio.create_task_group() as group:
            await group.start(_stop_on_signal, group.cancel_scope)
            await unsupervised.run(intel, logger)
    finally:
        heartbeat.set()
    return os.EX_OK


async def _stop_on_signal(scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        await anext(signals)
        scope.cancel()


if __name__ == "__main__":
    sys.exit(anyio.run(main))
