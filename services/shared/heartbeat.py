"""The heartbeat of a service: a key that vanishes when the process does, and a message for those who listen.

It beats in a thread of its own, so it proves the process, not the event loop. What the service's supervisor knows is
added by `payload_fn`: its state, and how long ago the loop last moved, which is what shows a loop that is stuck.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from redis.exceptions import RedisError

from services.shared import redis_clients
from services.shared.logutil import Log, adapted
from services.shared.redis_address import redacted

PayloadFn = Callable[[], Mapping[str, Any]]


def start_heartbeat(
    service_name: str, config: Mapping[str, Any], logger: Log | logging.Logger, payload_fn: PayloadFn | None = None
) -> threading.Event:
    """Beat on system-redis from now on, until the returned event is set.

    Each beat sets the key `<service>:heartbeat`, which expires, and publishes the same JSON on the channel of that
    name: service, pid, ts (seconds since 1970), uptime (seconds), and what `payload_fn` returns.

    Args:
        service_name: stands before `:heartbeat`.
        config: as `SetupBase` loads it: `heartbeat` with `interval_sec` and `ttl_sec`, `buses` with `system-redis`.
        logger: told once when Redis goes away, and once when it is back.
        payload_fn: called in the heartbeat's thread. When it raises, the beat says so under `payload_error`.

    Raises:
        KeyError: `config` has no `system-redis`.
        ValueError: interval or ttl make no sense, or the address is wrong.
    """
    beat = config["heartbeat"]
    interval, ttl = float(beat["interval_sec"]), float(beat["ttl_sec"])
    if not 0 < interval < ttl:
        raise ValueError(
            f"the heartbeat needs 0 < interval_sec < ttl_sec, or its key vanishes between two beats; "
            f"got {interval:g} and {ttl:g}; write for example 5 and 15"
        )
    heart = _Heart(service_name, str(config["buses"]["system-redis"]["url"]), ttl, adapted(logger), payload_fn)
    stop = threading.Event()
    threading.Thread(
        target=heart.beat_until, args=(stop, interval), name=f"{service_name}:heartbeat", daemon=True
    ).start()
    return stop


class _Heart:
    """The beats, and whether Redis took the last one."""

    def __init__(self, service: str, url: str, ttl: float, logger: Log, payload_fn: PayloadFn | None) -> None:
        self._service = service
        self._key = f"{service}:heartbeat"
        self._url = url
        self._ttl = round(1_000 * ttl)
        self._logger = logger
        self._payload_fn = payload_fn
        self._client = redis_clients.heartbeat(url, timeout=min(2.0, ttl / 3))
        self._began = time.monotonic()
        self._away = False

    def beat_until(self, stop: threading.Event, interval: float) -> None:
        """Beat at multiples of the interval; beats that Redis was too slow for are left out, not made up for."""
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            self._beat()
            missed = (time.monotonic() - due) // interval
            due += (missed + 1) * interval
        self._client.close()

    def _beat(self) -> None:
        try:
            together = self._client.pipeline(transaction=False)
            text = self._payload()
            together.execute_command("SET", self._key, text, "PX", self._ttl)
            together.execute_command("PUBLISH", self._key, text)
            together.execute()
        except (RedisError, OSError) as error:
            self._is_away(error)
        else:
            self._is_back()

    def _payload(self) -> bytes:
        ours = {"service": self._service, "pid": os.getpid(), "ts": time.time()}
        ours["uptime"] = time.monotonic() - self._began
        if self._payload_fn is None:
            return msgspec.json.encode(ours)
        try:
            return msgspec.json.encode({**self._payload_fn(), **ours})
        except Exception as error:  # noqa: BLE001 (the beat goes on whatever the service's own code does)
            return msgspec.json.encode({**ours, "payload_error": f"{type(error).__name__}: {error}"[:200]})

    def _is_away(self, error: Exception) -> None:
        self._client.close()  # behind the name another server may answer by now; the next beat connects anew
        if not self._away:
            self._logger.warning(
                "heartbeat: Redis at %s takes no beat: %s: %s", redacted(self._url), type(error).__name__, error
            )
        self._away = True

    def _is_back(self) -> None:
        if self._away:
            self._logger.ok("heartbeat: Redis at %s takes beats again", redacted(self._url))
        self._away = False
