"""From the identity that `SetupBase` loads to what services configure themselves with."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from services.shared.redis_address import checked_address

S = TypeVar("S", bound=Struct)


class ConfigError(ValueError):
    """The identity does not say what a service needs. It stays so however often it is read."""


class Buses(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address of each Redis, by the role it has: `redis://`, `rediss://`, `unix://`, or the `valkey` twins."""

    system: str
    market: str
    intel: str

    def __repr__(self) -> str:
        return "Buses(system=…, market=…, intel=…)"


def buses_of(setup: Mapping[str, Any]) -> Buses:
    """The addresses of the three buses.

    Raises:
        ConfigError: one is missing or wrong; the message says which, never its value.
    """
    buses: Mapping[str, Mapping[str, Any] | None] = setup.get("buses") or {}
    urls: dict[str, str] = {}
    for role in ("system", "market", "intel"):
        name = f"{role}-redis"
        try:
            urls[role] = checked_address(name, (buses.get(name) or {}).get("url"))
        except ValueError as error:
            raise ConfigError(f'{error}, under "buses" in the truth document') from None
    return Buses(**urls)


def text(setup: Mapping[str, Any], key: str) -> str:
    """An entry of the component's `env`, or of the environment, that has to be there.

    Raises:
        ConfigError: it is missing or empty.
    """
    value = setup.get(key)
    if not isinstance(value, str) or not value:
        service = setup.get("service_name", "the service")
        raise ConfigError(f'{service} needs {key}: put it under "env" of its component, or into the environment')
    return value


def block(setup: Mapping[str, Any], name: str, kind: type[S], **known: object) -> S:
    """A block of the component, checked against `kind`; `known` fields take precedence.

    Raises:
        ConfigError: a field is missing, unknown or of the wrong type.
    """
    try:
        return msgspec.convert({**dict(setup.get(name) or {}), **known}, kind)
    except msgspec.ValidationError as error:
        service = setup.get("service_name", "the service")
        raise ConfigError(f"{service} cannot be configured from the truth document: {name}: {error}") from None
