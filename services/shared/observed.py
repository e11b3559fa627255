"""What a supervised service tells beyond its log: history and incidents on system-redis, and alerts where wanted."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from otp.application.options import options
from otp.observe.observation import Observation, open_observation
from services.shared import redis_clients
from services.shared.identity import ConfigError
from services.shared.redis_address import checked_address

ALERTS: Final = "ALERT_URLS"
"""The entry of the component's `env`, or of the environment, with the addresses of receivers, as apprise writes them."""

HEALTH: Final = "HEALTH_PORT"
"""The same for the health port of the process, as `[HOST:]PORT`."""

FAULTS: Final = "FAULTS_ALLOWED"
"""The same for whether `otp fault` may make workers fail: `true` or `false`; never `true` where it matters."""

PATIENCE: Final = 1.0
"""Seconds at the end in which incidents and alerts may be sent that wait; the whole process has `EXIT_WITHIN`."""


@asynccontextmanager
async def observed(service: str, setup: Mapping[str, Any]) -> AsyncGenerator[Observation]:
    """Watch the tree that is run in the block. Its client of system-redis is a shared service: no restart touches it.

    Args:
        service: its name, for keys and titles.
        setup: the identity, as `SetupBase.load()` returned it.

    Raises:
        ConfigError: an address of an alert is none, or what sends alerts is not installed.
    """
    system = redis_clients.control(checked_address("system-redis", setup["buses"]["system-redis"]["url"]))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(redis_clients.opened(system))
        opening = open_observation(service, redis=system, alerts=alert_addresses(setup), patience=PATIENCE)
        try:
            seen = await stack.enter_async_context(opening)
        except (ValueError, ModuleNotFoundError) as wrong:
            raise ConfigError(f"{ALERTS} of {service}: {wrong}") from None
        yield seen


def alert_addresses(setup: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses of receivers, separated by blanks; none: nobody is alerted."""
    return tuple(str(setup.get(ALERTS) or "").split())


def health_port(setup: Mapping[str, Any]) -> str | None:
    """Where to answer for the health of the process; None: nowhere.

    Raises:
        ConfigError: it is no `[HOST:]PORT`.
    """
    port = str(setup.get(HEALTH) or "") or None
    try:
        options(port)
    except ValueError as wrong:
        raise ConfigError(f"{HEALTH} of {setup.get('service_name', 'the service')}: {wrong}") from None
    return port


def faults_allowed(setup: Mapping[str, Any]) -> bool:
    """Whether workers may be made to fail on purpose.

    Raises:
        ConfigError: it is neither `true` nor `false`.
    """
    wanted = str(setup.get(FAULTS) or "false").lower()
    if wanted not in ("true", "false"):
        name = setup.get("service_name", "the service")
        raise ConfigError(f"{FAULTS} of {name}: expected true or false, got {wanted!r}")
    return wanted == "true"
