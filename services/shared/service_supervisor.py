"""Runs the tree of a service, and keeps what the heartbeat says of it."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

import anyio

from otp import EventHook, Supervisor, SupervisorSpec, log_events
from otp.application.entry import serve
from otp.application.watchman import Watchman
from otp.errors import NoProc, RequestError
from otp.observe.observation import Observation
from services.shared.logutil import LogUtil
from services.shared.service import Service
from services.shared.shared_services import Closable

STATUS_INTERVAL: Final = 0.25
"""Seconds between two readings of the tree's status for the heartbeat."""

C = TypeVar("C")
S = TypeVar("S", bound=Closable)


class ServiceSupervisor(Generic[C, S]):
    """Runs a service as a supervised tree. Its shared services are made here, once, and no restart touches them.

    Args:
        service: what runs.
        config: its identity, as `SetupBase` loads it; of a service with parts, the identity of each by its name.
        logger: of the service.

    Raises:
        ConfigError: the identity does not say what the service needs.

    Attributes:
        identity: of the process: its log level, health port and alerts; with parts, the identity of the first.
        config: checked.
        shared: the shared services.
        handle: of the running tree; None before it is opened.
    """

    def __init__(self, service: Service[C, S], *, config: dict[str, Any], logger: LogUtil) -> None:
        self.service = service
        of_process = config[service.parts[0]] if service.parts else config
        self.identity: dict[str, Any] = {**of_process, "service_name": service.name}
        self.config: C = service.config(config)
        self.shared: S = service.shared(self.config, logger)
        self.handle: Supervisor | None = None
        self._statuses = self._all("starting")
        self._read_at = time.monotonic()

    def spec(self) -> SupervisorSpec:
        """The tree of the service."""
        return self.service.tree(self.config, self.shared)

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
            hooks: get every event, after the log.
            seen: history and incidents, which get every event too; None: the control plane keeps its own.
            health: `[HOST:]PORT` of the health port; None: there is none.
            faults: whether `otp fault` may make workers fail.
            watchman: sees to the end of the process after the tree; None: the process goes on.
        """
        code = 0
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_status)
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
            self._statuses = self._all("stopped")
            await self.shared.aclose()
        return code

    def stop(self) -> None:
        """Stop the tree in order; `run` returns when that is done."""
        if self.handle is not None:
            self.handle.stop()

    def heartbeat(self, name: str | None = None) -> Mapping[str, Any]:
        """What the heartbeat adds to its payload, from its own thread.

        `loop_age` is how long ago (seconds) the event loop last read the status: well above `STATUS_INTERVAL`, it is
        stuck.

        Args:
            name: of the service or of one of its parts; None: the service.
        """
        status = self._statuses[name or self.service.name]
        return {**status, "loop_age": round(time.monotonic() - self._read_at, 3)}

    def _all(self, state: str) -> Mapping[str, Mapping[str, Any]]:
        return {name: {"state": state} for name in (self.service.name, *self.service.parts)}

    def _opened(self, handle: Supervisor) -> None:
        self.handle = handle

    async def _keep_status(self) -> None:
        while True:
            self._read_at = time.monotonic()
            if self.handle is not None:
                below = {part: _status_below(self.handle, part) for part in self.service.parts}
                self._statuses = {self.service.name: status_of(self.handle), **below}
            await anyio.sleep(STATUS_INTERVAL)


def status_of(handle: Supervisor) -> Mapping[str, Any]:
    """The tree in a few words: `up` when all its children are, which are not and why, how many restarts of each kind."""
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


def _status_below(handle: Supervisor, part: str) -> Mapping[str, Any]:
    try:
        return status_of(handle.supervisor(part))
    except RequestError:  # it is down, and waits to be restarted
        return {"state": "down"}
