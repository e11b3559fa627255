"""`python -m services.massive.supervised_main`: massive under supervision."""

import sys

import anyio
from redis.exceptions import RedisError

from otp.application import FAILED, MISCONFIGURED
from services.massive.supervisor import MassiveSupervisor
from services.shared.heartbeat import start_heartbeat
from services.shared.logutil import LogUtil
from services.shared.setup_base import SetupBase

SERVICE = "massive"


async def main() -> int:
    """Bootstrap, identity, shared services as in `main.py`, then the supervisor.

    Returns:
        The exit code: that of the tree, see `otp.application`; 78 as well when the identity is missing or wrong.
    """
    logger = LogUtil(SERVICE)
    try:
        config = await SetupBase(SERVICE, logger).load()
        logger.configure_from_config(config)
        supervisor = MassiveSupervisor(config=config, logger=logger)
        heartbeat = start_heartbeat(SERVICE, config, logger, supervisor.heartbeat)
    except (RuntimeError, ValueError) as wrong:  # what SetupBase, ConfigError and the addresses of Redis say
        logger.critical(wrong)
        return MISCONFIGURED
    except RedisError as away:
        logger.critical("no identity, as the Redis that holds the truth document does not answer: %s", away)
        return FAILED
    try:
        return await supervisor.run()
    finally:
        heartbeat.set()


if __name__ == "__main__":
    sys.exit(anyio.run(main))
