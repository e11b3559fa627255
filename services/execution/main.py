"""`python -m services.execution.main`: execution without a supervisor."""

import os
import sys

import anyio

from services.execution import unsupervised
from services.shared.heartbeat import start_heartbeat
from services.shared.logutil import LogUtil
from services.shared.setup_base import SetupBase

SERVICE = "execution"


async def main() -> None:
    """Bootstrap, identity, shared services, orchestrator: four phases, each once."""
    logger = LogUtil(SERVICE)
    try:
        config = await SetupBase(SERVICE, logger).load()
    except RuntimeError as missing:
        logger.critical(missing)
        sys.exit(os.EX_CONFIG)
    logger.configure_from_config(config)
    heartbeat = start_heartbeat(SERVICE, config, logger)
    try:
        await unsupervised.run(config, logger)
    finally:
        heartbeat.set()


if __name__ == "__main__":
    anyio.run(main)
