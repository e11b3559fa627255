"""`python -m services.marketswarm.supervised_main`: all four services in one process, under supervision."""

from contextlib import ExitStack
from functools import partial

from redis.exceptions import RedisError

from otp.application.run import FAILED, MISCONFIGURED, Watchman, end_with
from services.marketswarm.config import SERVICES
from services.marketswarm.supervisor import MarketSwarmSupervisor
from services.shared.heartbeat import start_heartbeat
from services.shared.identity import ConfigError
from services.shared.log_outlet import log_outlet
from services.shared.logutil import LogUtil
from services.shared.observed import faults_allowed, health_port, observed
from services.shared.setup_base import SetupBase


async def main(watchman: Watchman | None = None) -> int:
    """Bootstrap, identity, shared services as each service has them, then the supervisor; returns the exit code."""
    logger = LogUtil(MarketSwarmSupervisor.service)
    with ExitStack() as hearts:
        try:
            config = {name: await SetupBase(name, logger).load() for name in SERVICES}
            logger.configure_from_config(config[SERVICES[0]])
            supervisor = MarketSwarmSupervisor(config=config, logger=logger)
            for name in SERVICES:
                beat = partial(supervisor.heartbeat_of, name)
                hearts.callback(start_heartbeat(name, config[name], logger, beat).set)
        except (RuntimeError, ValueError) as wrong:  # what SetupBase, ConfigError and the addresses of Redis say
            logger.critical(wrong)
            return MISCONFIGURED
        except RedisError as away:
            logger.critical("no identity, as the Redis that holds the truth document does not answer: %s", away)
            return FAILED
        try:
            first = config[SERVICES[0]]
            async with observed(MarketSwarmSupervisor.service, first) as seen:
                return await supervisor.run(
                    seen=seen, health=health_port(first), faults=faults_allowed(first), watchman=watchman
                )
        except ConfigError as wrong:
            logger.critical(wrong)
            return MISCONFIGURED


if __name__ == "__main__":
    with log_outlet():
        end_with(main)
