"""The supervisor of massive: phase four of `supervised_main`, and what the heartbeat says of it."""

import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

import anyio

from otp import EventHook, Supervisor, SupervisorSpec, log_events
from otp.application import serve
from otp.errors import NoProc
from services.massive.config import Massive
from services.massive.identity import massive_config
from services.massive.shared_services import SharedServices
from services.shared.logutil import LogUtil

__all__ = ("LOOK_INTERVAL", "TREE", "MassiveSupervisor", "status_of")

TREE = "trees.massive:tree"
"""The tree by its name, as in `otp run`: services know of no tree above them."""

LOOK_INTERVAL = 0.25
"""Seconds between two looks at the tree for the heartbeat."""


class MassiveSupervisor:
    """Runs massive as a supervised tree. The shared services are made here, once, and no restart touches them."""

    def __init__(self, *, config: dict[str, Any], logger: LogUtil) -> None:
        self.config: Massive = massive_config(config)
        self.shared = SharedServices.make(self.config, logger)
        self.handle: Supervisor | None = None
        self._status: Mapping[str, Any] = {"state": "starting"}
        self._looked = time.monotonic()

    def spec(self) -> SupervisorSpec:
        """The tree of this service."""
        return self.tree_of(self.config, self.shared)

    @staticmethod
    def tree_of(config: Massive, shared: SharedServices) -> SupervisorSpec:
        """The tree for any configuration."""
        module, _, name = TREE.partition(":")
        tree: Callable[[Massive, SharedServices], SupervisorSpec] = getattr(import_module(module), name)
        return tree(config, shared)

    @property
    def is_up(self) -> bool:
        """Whether the tree has started and all its children are up."""
        return self.handle is not None and status_of(self.handle)["state"] == "up"

    async def run(self, hooks: Iterable[EventHook] = ()) -> int:
        """Run until the tree ends, or SIGTERM or SIGINT ends it; returns the exit code of the process.

        Args:
            hooks: told of every event, after the log.
        """
        code = 0
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._look_around)
                code = await serve(self.spec(), hooks=(log_events(), *hooks), opened=self._opened)
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

    def _opened(self, handle: Supervisor) -> None:
        self.handle = handle

    async def _look_around(self) -> None:
        while True:
            self._looked = time.monotonic()
            if self.handle is not None:
                self._status = status_of(self.handle)
            await anyio.sleep(LOOK_INTERVAL)


def status_of(handle: Supervisor) -> Mapping[str, Any]:
    """The tree in a few words: `up` when all its children are, how many restarts of each kind."""
    try:
        children = tuple(handle.walk())
    except NoProc:  # it has ended, and `serve` has not come back yet
        return {"state": "stopped"}
    down = [child.path for child in children if child.state != "running"]
    return {
        "state": "up" if children and not down else "degraded",
        "children": len(children),
        "down": down,
        "crashes": sum(child.crashes for child in children),
        "manual": sum(child.manual for child in children),
        "collateral": sum(child.collateral for child in children),
    }
