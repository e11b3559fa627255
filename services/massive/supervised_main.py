"""`python -m services.massive.supervised_main`: massive under supervision."""

import sys

import anyio

from services.massive.supervisor import MassiveSupervisor
from services.shared.heartbeat import start_heartbeat
from services.shared.logutil import LogUtil
from services.shared.setup_base import SetupBase

SERVICE = "massive"


async def main() -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor; returns the exit code."""
    logger = LogUtil(SERVICE)
    config = await SetupBase(SERVICE, logger).load()
    logger.configure_from_config(config)
    supervisor = MassiveSupervisor(config=config, logger=logger)
    heartbeat = start_heartbeat(SERVICE, config, logger, supervisor.heartbeat)
    try:
        return await supervisor.run()
    finally:
        heartbeat.set()


if __name__ == "__main__":
    sys.exit(anyio.run(main))
