"""`open_control`: the control plane of one process, beside its tree and outside of it.

    async with open_control("massive", seen) as control, open_tree(spec, hooks) as tree:
        control.serve(Supervisor(tree))
        tree.root.begin()

It is opened before the tree and closed after it, so it answers while the tree starts, restarts and stops.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import TaskGroup, TaskStatus

from otp.control.bridge import Bridge
from otp.control.server.server import Server
from otp.control.tree.actions import Actions
from otp.control.tree.audit import Audit
from otp.control.tree.changes import Changes
from otp.control.tree.event_log import EventLog
from otp.control.tree.mailbox import Mailbox
from otp.control.tree.maintenance import Maintenance
from otp.control.tree.queries import Queries
from otp.control.tree.view import View
from otp.control.wire.protocol import PROTOCOL, Greeting
from otp.control.wire.rows import Blocked
from otp.control.wire.sockets import Claim, claim, socket_path
from otp.errors import ControlError
from otp.faults import Faults
from otp.observe.background_tasks import background_tasks, keep_running
from otp.observe.log_ring import LogRing
from otp.observe.logger import logger
from otp.observe.observation import Observation
from otp.runtime.handle import Supervisor
from otp.version import __version__


class Control:
    """The control plane of one process; it serves once it has a tree.

    Args:
        claimed: the right to the sockets; None: it could not be had.
        seen: the history and the incidents of the tree.
        log: the last lines of its workers.
        faults: injects faults; None: they are not allowed.

    Attributes:
        socket: path of the socket for looking and acting; None: there is none, and the log says why.
    """

    def __init__(self, claimed: Claim | None, seen: Observation, log: LogRing, faults: Faults | None) -> None:
        self.socket = claimed.operate if claimed is not None else None
        self._claim = claimed
        self._seen = seen
        self._log = log
        self._faults = faults
        self._tasks: TaskGroup
        self._services: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        self._server: Server | None = None
        self._bridge: Bridge | None = None
        self._changes: Changes | None = None

    def serve(
        self,
        handle: Supervisor,
        *,
        lag: Callable[[], float | None] = lambda: None,
        blocked: Callable[[], Blocked | None] = lambda: None,
    ) -> None:
        """Serve a tree from now on.

        Args:
            handle: of its root; not begun yet, so that nothing is missed.
            lag: the worst lag of the event loop lately, in seconds; None: it is not watched.
            blocked: what keeps it from turning now; None: it turns. Called in the thread of the server.
        """
        if self._claim is None:
            return
        event_log, maintenance = EventLog(), Maintenance()
        allowed = self._faults is not None
        view = View(handle, self._seen, maintenance, lag=lag, version=__version__, backend=_backend(), faults=allowed)
        actions = Actions(view, maintenance, Audit(handle.path, event_log), self._faults)
        bridge = Bridge(handle.soon, blocked)
        mailbox = Mailbox(bridge, Queries(view, event_log, self._log), actions)
        greeting = Greeting(
            protocol=PROTOCOL, app=handle.path, pid=os.getpid(), version=__version__, role="operate", faults=allowed
        )
        server = Server(self._claim, greeting, bridge)
        bridge.join(mailbox.put, server)
        if not self._started(server):
            return
        self._bridge, self._changes = bridge, Changes(bridge, view, event_log)
        handle.name_contexts()
        handle.attach(event_log)
        self._seen.incidents.listen(event_log.resolved)
        self._run("control: what answers", mailbox.run)
        self._run("control: what tells of changes", self._changes.run)
        self._run("control: what ends maintenance", partial(maintenance.run, actions.end_maintenance))

    def tell_blocked(self, blocked: Blocked | None) -> None:
        """Tell the clients that watch that the tree's loop does not turn, or turns again; called from any thread."""
        if self._bridge is not None:
            self._bridge.tell_blocked(blocked)

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Run the services in the tree's loop, until cancelled."""
        async with anyio.create_task_group() as self._tasks:
            for name, service in self._services:
                self._tasks.start_soon(keep_running, name, service)
            task_status.started()
            await anyio.sleep_forever()

    def _run(self, name: str, service: Callable[[], Awaitable[None]]) -> None:
        self._services.append((name, service))
        self._tasks.start_soon(keep_running, name, service)

    async def close(self) -> None:
        """Serve no more, and remove the sockets."""
        if self._server is not None and self._changes is not None:
            try:
                self._changes.tell_the_end()
            finally:
                self._server.stop()
        elif self._claim is not None:
            self._claim.release()

    def _started(self, server: Server) -> bool:
        try:
            server.start()
        except (OSError, RuntimeError) as error:  # no descriptors, no thread
            logger.error("cannot be looked into from outside: {}", error)
            self.socket = None
            return False
        self._server = server
        return True


@asynccontextmanager
async def open_control(
    app: str, seen: Observation, *, faults: Faults | None = None, place: Path | None = None
) -> AsyncGenerator[Control]:
    """Claim the sockets of this name for the block; where they cannot be had, the log says so and the tree runs without.

    Args:
        app: the id of the root.
        seen: the history and the incidents of the tree.
        faults: injects faults into its workers; None: they are not allowed.
        place: folder of the sockets; None: see `otp.control.wire.sockets`.
    """
    claimed = _claimed(app, place)
    log = LogRing()
    control = Control(claimed, seen, log, faults)
    with log.listening():
        async with background_tasks(control.run, name=f"{app}  control", ending=control.close):
            yield control


def _claimed(app: str, place: Path | None) -> Claim | None:
    try:
        claimed = claim(app, place)
    except (ControlError, OSError) as error:
        logger.error("{}  cannot be looked into from outside: {}", app, error)
        return None
    if claimed.operate != socket_path(app, place):
        logger.warning("{}  another process of this name is running; this one is {}", app, claimed.operate.stem)
    return claimed


def _backend() -> str:
    name = anyio.get_cancelled_exc_class().__module__.partition(".")[0]
    if name != "asyncio":
        return name
    import asyncio  # noqa: PLC0415 # only there

    return "uvloop" if type(asyncio.get_running_loop()).__module__.startswith("uvloop") else "asyncio"
