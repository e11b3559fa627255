"""The identity of a service: read once from the truth document, before anything of the service runs."""

import logging
import os
from typing import Any, Final

import anyio
import msgspec
from msgspec import Struct, field
from redis.exceptions import TimeoutError as NoReply

from services.shared import redis_clients
from services.shared.logutil import Log, adapted
from services.shared.redis_address import redacted
from services.shared.redis_clients import Client
from services.shared.redis_refusals import AccessRefused, NotNow, WrongAnswer
from services.shared.waiting import said_while_it_lasts

PATIENCE = 45.0
"""Seconds that a server which is there may take to give us the document; one that is not there is not waited for."""

PAUSE: Final = 0.5
"""Seconds between two tries."""

BLOCKS: Final = ("workers", "schedules", "thresholds", "feed")
"""The parts of a component that are handed to the service as they are, with the one named after the service."""


class _Document(Struct):
    """What a service reads of the truth document, whoever built it."""

    buses: dict[str, Any] = field(default_factory=dict[str, Any])
    components: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


class SetupBase:
    """Loads the configuration of a service; a service with more to add overrides `extend_config`.

    `TRUTH_REDIS_URL` (default `redis://127.0.0.1:6379`) says where the truth document is, `TRUTH_REDIS_KEY` (default
    `truth`) under which key.
    """

    def __init__(self, service_name: str, logger: Log | logging.Logger) -> None:
        self.service_name = service_name
        self.logger = adapted(logger)
        self._url = os.environ.get("TRUTH_REDIS_URL") or "redis://127.0.0.1:6379"
        self._key = os.environ.get("TRUTH_REDIS_KEY") or "truth"

    async def load(self) -> dict[str, Any]:
        """Read the truth document and make this service's configuration of it.

        The component's `env` entries stand at the top level; a variable of the same name in the environment wins.

        Raises:
            RuntimeError: the document, or this service in it, is missing or unreadable, or we are not let to it.
            redis.exceptions.RedisError: the truth Redis does not answer; that it does not is said while it is tried.
            ValueError: TRUTH_REDIS_URL is no Redis address.
        """
        truth = await self._truth()
        component = self._component(truth)
        config = self._structure(truth, component) | _environment(component)
        extended = await self.extend_config(config)
        self.logger.info("configuration of %s loaded from %s", self.service_name, self._where(), emoji="🧭")
        return config if extended is None else extended

    async def extend_config(self, config: dict[str, Any]) -> dict[str, Any] | None:
        """Add what only this service knows: change `config` in place, or return another one."""
        return config

    async def _truth(self) -> _Document:
        raw = await self._raw()
        if raw is None:
            raise RuntimeError(
                f"no truth document: looked for {self._where()}. "
                "Build and publish it, or set TRUTH_REDIS_URL and TRUTH_REDIS_KEY to where it is"
            )
        try:
            return msgspec.json.decode(raw, type=_Document)
        except msgspec.DecodeError as error:
            raise RuntimeError(
                f"the truth document at {self._where()} cannot be read: {error}. Build and publish it again"
            ) from None

    async def _raw(self) -> bytes | None:
        client = redis_clients.control(self._url)
        waiting = said_while_it_lasts(
            self.logger, f"the Redis at {redacted(self._url)}, which holds the truth document,"
        )
        try:
            async with redis_clients.opened(client):
                with waiting, anyio.fail_after(PATIENCE):
                    return await self._read(client)
        except AccessRefused as refused:
            raise RuntimeError(
                f"the Redis at {redacted(self._url)} does not let us read the truth document: {refused}. "
                "Set TRUTH_REDIS_URL to an address with the right user and password"
            ) from None
        except TimeoutError:
            raise NoReply(f"no answer from {redacted(self._url)} within {PATIENCE:g} s") from None

    async def _read(self, client: Client) -> bytes | None:
        while True:
            try:
                raw: bytes | None = await client.execute_command("GET", self._key)
            except (NotNow, WrongAnswer, NoReply):  # it is there: it may have just started, and read its data
                await anyio.sleep(PAUSE)
            else:
                return raw

    def _component(self, truth: _Document) -> dict[str, Any]:
        component = truth.components.get(self.service_name)
        if component is None:
            raise RuntimeError(
                f"the truth document has no component {self.service_name!r}: looked for {self._where()}, "
                f"and it holds {', '.join(sorted(truth.components)) or 'none'}. "
                f"Add the file components/{self.service_name}.json, then build and publish the document again"
            )
        return component

    def _structure(self, truth: _Document, component: dict[str, Any]) -> dict[str, Any]:
        points: dict[str, Any] = component.get("access_points") or {}
        beat: dict[str, Any] = component.get("heartbeat") or {}
        return {
            "service_name": self.service_name,
            "meta": component.get("meta") or {},
            "inputs": points.get("subscribe_to") or [],
            "outputs": points.get("publish_to") or [],
            "heartbeat": {"interval_sec": beat.get("interval_sec", 5), "ttl_sec": beat.get("ttl_sec", 15)},
            "models": component.get("models") or {},
            "buses": truth.buses,
            "shared_resources": component.get("shared_resources") or {},
            **{block: component[block] for block in (*BLOCKS, self.service_name) if component.get(block) is not None},
        }

    def _where(self) -> str:
        return f"the key {self._key!r} on {redacted(self._url)}"


def _environment(component: dict[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = component.get("env") or {}
    return {name: os.environ.get(name, value) for name, value in entries.items()}
