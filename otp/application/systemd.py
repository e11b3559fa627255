"""Notifies systemd, where it has started the process with `Type=notify`.

READY=1      all children are up
STATUS=…     "14/15 up, 1 backoff", when that changes
WATCHDOG=1   twice in `WatchdogSec=`, by the event loop, and only while the tree is live (`otp.core.readiness`)
STOPPING=1   the stop has begun
"""

import os
import socket
from contextlib import suppress

import anyio
from anyio.abc import TaskStatus

from otp.application.readiness import readiness_of
from otp.events import Event, SupervisorStarted, SupervisorStopping
from otp.runtime.tree import Tree

PATIENCE = 0.1
"""Seconds to wait for a systemd whose queue is full, as while a machine boots: without READY=1 it would end us."""

STATUS_INTERVAL = 1.0
"""Seconds between two lines of status, at least."""


def sd_notify(state: str) -> bool:
    """Send a state to systemd, which hardly ever blocks; returns whether it was sent."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # a name without a file
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(PATIENCE)
        sender.sendto(state.encode(), address)
        return True
    return False


def watchdog_interval() -> float | None:
    """Seconds between two `WATCHDOG=1`; None: systemd expects none from this process."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        wanted = int(os.environ.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return wanted / 2_000_000 if wanted > 0 else None


class Systemd:
    """Notifies systemd of one tree: of changes as an event hook, of status and life by background tasks."""

    lasting = True

    def __init__(self, root: str) -> None:
        self._root = root
        self._changed = anyio.Event()

    def __call__(self, event: Event) -> None:
        """Notify that the tree is up or stops; an event hook."""
        if event.path == self._root:
            if isinstance(event, SupervisorStarted):
                sd_notify("READY=1")
            elif isinstance(event, SupervisorStopping):
                sd_notify("STOPPING=1")
        self._changed.set()

    async def run(self, tree: Tree, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Send status and signs of life, until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._send_status, tree)
            interval = watchdog_interval()
            if interval is not None:
                group.start_soon(_feed_watchdog, tree, interval)
            task_status.started()

    async def _send_status(self, tree: Tree) -> None:
        said = ""
        while True:
            await self._changed.wait()
            self._changed = anyio.Event()
            status = readiness_of(tree).text
            if status != said:
                said = status
                sd_notify(f"STATUS={status}")
                await anyio.sleep(STATUS_INTERVAL)


async def _feed_watchdog(tree: Tree, interval: float) -> None:
    while True:
        if readiness_of(tree).live:
            sd_notify("WATCHDOG=1")
        await anyio.sleep(interval)
