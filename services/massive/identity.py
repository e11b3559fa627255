"""From the identity that `SetupBase` loads to the checked configuration of massive."""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.massive.config import Buses, Feed, Massive
from services.shared.buses import checked_address

__all__ = ("ConfigError", "massive_config")


class ConfigError(ValueError):
    """The identity does not say what massive needs."""


def massive_config(setup: Mapping[str, Any]) -> Massive:
    """Read the configuration out of what `SetupBase.load()` returned.

    `MASSIVE_WS_URL` and `MASSIVE_API_KEY` are the component's `env` entries (the shell overrides them), the buses come
    from the truth document, and the block `feed`, if there is one, sets further fields of `Feed` by their names.

    Raises:
        ConfigError: something is missing or has the wrong type; the message says which, never its value.
    """
    feed = {"url": _text(setup, "MASSIVE_WS_URL"), "api_key": _text(setup, "MASSIVE_API_KEY")}
    raw = {**dict(setup.get("feed") or {}), **feed}
    try:
        return Massive(feed=msgspec.convert(raw, Feed), buses=_buses(setup))
    except msgspec.ValidationError as error:
        raise ConfigError(f"massive cannot be configured from the truth document: feed: {error}") from None


def _buses(setup: Mapping[str, Any]) -> Buses:
    buses: Mapping[str, Mapping[str, Any] | None] = setup.get("buses") or {}
    urls: dict[str, str] = {}
    for role in ("system", "market", "intel"):
        name = f"{role}-redis"
        try:
            urls[role] = checked_address(name, (buses.get(name) or {}).get("url"))
        except ValueError as error:
            raise ConfigError(f'{error}, under "buses" in the truth document') from None
    return Buses(**urls)


def _text(setup: Mapping[str, Any], key: str) -> str:
    value = setup.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigError(f'massive needs {key}: put it under "env" of its component, or into the environment')
    return value
