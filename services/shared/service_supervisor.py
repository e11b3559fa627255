"""What the supervisors of all services share: phase four of `supervised_main`, and what the heartbeat says of it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import anyio
from redis.exceptions import RedisError

from otp import EventHook, Supervisor, SupervisorSpec, log_events
from otp.application import FAILED, MISCONFIGURED, Watchman, serve
from otp.errors import NoProc
from otp.observe.observation import Observation
from services.shared.heartbeat import start_heartbeat
from services.shared.identity import ConfigError
from services.shared.logutil import LogUtil
from services.shared.observed import faults_allowed, health_port, observed
from services.shared.setup_base import SetupBase

__all__ = ("LOOK_INTERVAL", "BaseSupervisor", "Lent", "status_of", "supervised")

LOOK_INTERVAL = 0.25
"""Seconds between two looks at the tree for the heartbeat."""


class Lent(Protocol):
    """What a service makes once, before supervision begins, and lends to its workers."""

    async def aclose(self) -> None:
        """Let go of it, after the tree has ended."""
        ...


C = TypeVar("C")
S = TypeVar("S", bound=Lent)


class BaseSupervisor(ABC, Generic[C, S]):
    """Runs a service as a supervised tree. Its shared services are made here, once, and no restart touches them.

    A service says what its configuration is, what it shares, and by which name its tree is to be had.

    Attributes:
        service: its name.
        tree: its tree by name, as in `otp run`: services know of no tree above them.
        config: checked.
        shared: what its workers are lent.
        handle: of the running tree; None before it is opened.
    """

    service: ClassVar[str]
    tree: ClassVar[str]

    def __init__(self, *, config: dict[str, Any], logger: LogUtil) -> None:
        self.config: C = self.read(config)
        self.shared: S = self.make_shared(self.config, logger)
        self.handle: Supervisor | None = None
        self._status: Mapping[str, Any] = {"state": "starting"}
        self._looked = time.monotonic()

    @staticmethod
    @abstractmethod
    def read(config: dict[str, Any]) -> C:
        """The checked configuration out of the identity.

        Raises:
            ConfigError: the identity does not say what the service needs.
        """

    @staticmethod
    @abstractmethod
    def make_shared(config: C, logger: LogUtil) -> S:
        """What the workers share; making it connects to nothing yet."""

    def spec(self) -> SupervisorSpec:
        """The tree of this service."""
        return self.tree_of(self.config, self.shared)

    @classmethod
    def tree_of(cls, config: C, shared: S) -> SupervisorSpec:
        """The tree for any configuration."""
        module, _, name = cls.tree.partition(":")
        tree: Callable[[C, S], SupervisorSpec] = getattr(import_module(module), name)
        return tree(config, shared)

    @property
    def is_up(self) -> bool:
        """Whether the tree has started and all its children are up."""
        return self.handle is not None and status_of(self.handle)["state"] == "up"

    async def run(
        self,
        hooks: Iterable[EventHook] = (),
        *,
        seen: Observation | None = None,
        health: str | None = None,
        faults: bool = False,
        watchman: Watchman | None = None,
    ) -> int:
        """Run until the tree ends, or SIGTERM, SIGINT or SIGHUP ends it; returns the exit code of the process.

        Args:
            hooks: told of every event, after the log.
            seen: history and incidents, told of every event too; None: the control plane keeps its own.
            health: `[HOST:]PORT` of the health port; None: there is none.
            faults: whether `otp fault` may make workers fail.
            watchman: sees to the end of the process after the tree; None: the process goes on.
        """
        code = 0
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._look_around)
                code = await serve(
                    self.spec(),
                    hooks=(log_events(), *hooks),
                    seen=seen,
                    health=health,
                    faults=faults,
                    opened=self._opened,
                    watchman=watchman,
                )
                group.cancel_scope.cancel()
        finally:
            self._status = {"state": "stopped"}
            await self.shared.aclose()
        return code

    def stop(self) -> None:
        """Stop the tree in order; `run` returns when that is done."""
        if self.handle is not None:
            self.handle.stop()

    def heartbeat(self) -> Mapping[str, Any]:
        """What the heartbeat adds to its payload, from its own thread.

        `loop_age` is how long ago (seconds) the event loop last looked: well above `LOOK_INTERVAL`, it is stuck.
        """
        return {**self._status, "loop_age": round(time.monotonic() - self._looked, 3)}

    def look(self, handle: Supervisor) -> Mapping[str, Any]:
        """What the heartbeat says of the tree, looked at by the event loop."""
        return status_of(handle)

    def _opened(self, handle: Supervisor) -> None:
        self.handle = handle

    async def _look_around(self) -> None:
        while True:
            self._looked = time.monotonic()
            if self.handle is not None:
                self._status = self.look(self.handle)
            await anyio.sleep(LOOK_INTERVAL)


def status_of(handle: Supervisor) -> Mapping[str, Any]:
    """The tree in a few words: `up` when all its children are, who is not and why, how many restarts of each kind."""
    try:
        children = tuple(handle.walk())
    except NoProc:  # it has ended, and `serve` has not come back yet
        return {"state": "stopped"}
    down = [child.path for child in children if child.state != "running"]
    return {
        "state": "up" if children and not down else "degraded",
        "children": len(children),
        "down": down,
        "states": {child.path: str(child.state) for child in children if child.state != "running"},
        "crashes": sum(child.crashes for child in children),
        "manual": sum(child.manual for child in children),
        "collateral": sum(child.collateral for child in children),
    }


async def supervised(kind: type[BaseSupervisor[Any, Any]], watchman: Watchman | None = None) -> int:
    """A service from its start to its end: bootstrap, identity, shared services, and the supervisor as the fourth phase.

    Args:
        kind: of the supervisor.
        watchman: as for `BaseSupervisor.run`.

    Returns:
        The exit code: that of the tree, see `otp.application`; 78 as well when the identity is missing or wrong.
    """
    logger = LogUtil(kind.service)
    try:
        config = await SetupBase(kind.service, logger).load()
        logger.configure_from_config(config)
        supervisor = kind(config=config, logger=logger)
        heartbeat = start_heartbeat(kind.service, config, logger, supervisor.heartbeat)
    except (RuntimeError, ValueError) as wrong:  # what SetupBase, ConfigError and the addresses of Redis say
        logger.critical(wrong)
        return MISCONFIGURED
    except RedisError as away:
        logger.critical("no identity, as the Redis that holds the truth document does not answer: %s", away)
        return FAILED
    try:
        async with observed(kind.service, config) as seen:
            return await supervisor.run(
                seen=seen, health=health_port(config), faults=faults_allowed(config), watchman=watchman
            )
    except ConfigError as wrong:
        logger.critical(wrong)
        return MISCONFIGURED
    finally:
        heartbeat.set()
