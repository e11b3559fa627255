"""`supervised_main` of every service: bootstrap, identity, shared services, and the supervisor as the fourth phase."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Any, NoReturn, TypeVar

from redis.exceptions import RedisError

from otp.application.entry import end_with
from otp.application.program import MISCONFIGURED
from otp.application.watchman import FAILED, Watchman
from services.shared.heartbeat import start_heartbeat
from services.shared.identity import ConfigError
from services.shared.log_outlet import log_outlet
from services.shared.logutil import LogUtil
from services.shared.observed import faults_allowed, health_port, observed
from services.shared.service import Service
from services.shared.service_supervisor import ServiceSupervisor
from services.shared.setup_base import SetupBase
from services.shared.shared_services import Closable

C = TypeVar("C")
S = TypeVar("S", bound=Closable)


def run_supervised(service: Service[C, S]) -> NoReturn:
    """Run the service under supervision, as the last act of this process."""
    with log_outlet():
        end_with(partial(supervised_main, service))


async def supervised_main(service: Service[C, S], watchman: Watchman | None = None) -> int:
    """Run the service from its start to its end.

    Args:
        service: what runs.
        watchman: sees to the end of the process after the tree; None: the process goes on.

    Returns:
        The exit code: that of the tree, see `otp.application.entry`; 78 as well when the identity is missing or wrong.
    """
    logger = LogUtil(service.name)
    async with AsyncExitStack() as stack:
        try:
            supervisor = await stack.enter_async_context(set_up(service, logger))
        except (RuntimeError, ValueError) as wrong:  # what SetupBase, ConfigError and the addresses of Redis say
            logger.critical(wrong)
            return MISCONFIGURED
        except RedisError as away:
            logger.critical("no identity, as the Redis that holds the truth document does not answer: %s", away)
            return FAILED
        try:
            return await _supervise(supervisor, watchman)
        except ConfigError as wrong:
            logger.critical(wrong)
            return MISCONFIGURED


@asynccontextmanager
async def set_up(service: Service[C, S], logger: LogUtil) -> AsyncGenerator[ServiceSupervisor[C, S]]:
    """The first three phases; the heartbeats beat while the block runs.

    Raises:
        RuntimeError: an identity is missing or unreadable.
        ValueError: an identity, or the address of a Redis, is wrong.
        redis.exceptions.RedisError: the Redis that holds the truth document does not answer.
    """
    identities = {name: await SetupBase(name, logger).load() for name in service.parts or (service.name,)}
    config: dict[str, Any] = identities if service.parts else identities[service.name]
    with ExitStack() as heartbeats:
        supervisor = ServiceSupervisor(service, config=config, logger=logger)
        logger.configure_from_config(supervisor.identity)
        for name, identity in identities.items():
            payload = partial(supervisor.heartbeat, name)
            heartbeats.callback(start_heartbeat(name, identity, logger, payload).set)
        yield supervisor


async def _supervise(supervisor: ServiceSupervisor[C, S], watchman: Watchman | None) -> int:
    identity = supervisor.identity
    async with observed(supervisor.service.name, identity) as seen:
        return await supervisor.run(
            seen=seen, health=health_port(identity), faults=faults_allowed(identity), watchman=watchman
        )
