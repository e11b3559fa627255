"""From the identity that `SetupBase` loads to the checked configuration of execution."""

import os
from collections.abc import Mapping
from typing import Any, Final

from services.execution.config import Broker, Execution, Limits
from services.shared.identity import ConfigError, block, buses_of, text
from services.shared.runtime_folder import LONGEST_SOCKET

_PLACES: Final = {"embedded": True, "apart": False}


def execution_config(setup: Mapping[str, Any]) -> Execution:
    """Read the configuration out of what `SetupBase.load()` returned.

    `EXECUTION_BROKER_SOCKET` and `EXECUTION_BROKER` (`embedded` or `apart`) are the component's `env` entries (the
    shell overrides them), the buses come from the truth document. The block `thresholds` sets fields of `Limits`,
    `workers` has further fields of `Broker` under `broker`.

    Raises:
        ConfigError: something is missing or wrong; the message says which.
    """
    workers = block_of_broker(setup)
    broker = block({**setup, "broker": workers}, "broker", Broker, socket=_socket(setup), embedded=_embedded(setup))
    return Execution(broker=broker, buses=buses_of(setup), limits=block(setup, "thresholds", Limits))


def block_of_broker(setup: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the block `workers` says of the broker, the only worker that has something to set."""
    workers: Mapping[str, Any] = setup.get("workers") or {}
    if unknown := sorted(set(workers) - {"broker"}):
        raise ConfigError(f'execution knows nothing to set for {", ".join(unknown)}, under "workers"; only for broker')
    return workers.get("broker") or {}


def _socket(setup: Mapping[str, Any]) -> str:
    path = text(setup, "EXECUTION_BROKER_SOCKET")
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise ConfigError(f"EXECUTION_BROKER_SOCKET: the path of a Unix socket has {LONGEST_SOCKET} bytes at most")
    return path


def _embedded(setup: Mapping[str, Any]) -> bool:
    place = text(setup, "EXECUTION_BROKER")
    if place not in _PLACES:
        raise ConfigError(f"EXECUTION_BROKER: expected embedded or apart, got {place!r}")
    return _PLACES[place]
