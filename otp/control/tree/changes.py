"""What changes in a tree, told to the clients that watch: the rows that an event may have made different.

All of it runs in the tree's loop, beside the tree: it goes on while the tree starts, restarts and stops.
"""

from contextlib import suppress

import anyio

from otp.control.bridge import Bridge
from otp.control.tree.event_log import Entry, EventLog
from otp.control.tree.view import View
from otp.control.wire.rows import ChildRow, Delta, EventRow
from otp.core.paths import ancestors
from otp.errors import NoProc
from otp.events import MaintenanceEnded, MaintenanceStarted, SupervisorExited, SupervisorStopping
from otp.observe.logger import logger
from otp.runtime.crash import describe

OFTEN = 0.1
"""Seconds between two deltas at least: a storm of restarts takes ten messages a second, however many there are."""

FRESH = 1.0
"""Seconds between two pictures of the tree for the other thread, while something happens."""

SMALL = 500
"""Children of which a picture is taken unasked: it costs a few milliseconds."""

_FOR_ALL_BELOW = (SupervisorStopping, SupervisorExited, MaintenanceStarted, MaintenanceEnded, EventRow)
"""After these the rows below the path differ as well, without an event for each; an EventRow is what an operator did."""


class Changes:
    """Publishes what happens in one tree.

    Args:
        bridge: carries deltas and pictures to the thread of the server.
        view: of the tree.
        event_log: what happened; each entry is told once.
    """

    def __init__(self, bridge: Bridge, view: View, event_log: EventLog) -> None:
        self._bridge = bridge
        self._view = view
        self._event_log = event_log
        self._told = 0
        self._to_tell = anyio.Event()
        self._to_show = anyio.Event()
        self._size = 0
        event_log.listen(self._noted)

    async def run(self) -> None:
        """Publish, until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._tell)
            group.start_soon(self._show)

    def tell_the_end(self) -> None:
        """Publish what is left to be told: the tree has ended, and the control plane is about to."""
        entries = self._event_log.since(self._told)
        if self._bridge.is_watched and entries:
            self._bridge.publish(self._delta(entries, (), ()))

    def _noted(self) -> None:
        """The log has a new entry; while no client watches, that counts as told."""
        self._to_show.set()
        if self._bridge.is_watched:
            self._to_tell.set()
        else:
            self._told = self._event_log.seq

    async def _tell(self) -> None:
        while True:
            await self._to_tell.wait()
            self._to_tell = anyio.Event()
            try:
                await self._tell_once()
            except Exception as bug:  # noqa: BLE001 # it must not end the process
                logger.error("control: what has changed cannot be told: {}", describe(bug))
            await anyio.sleep(OFTEN)

    async def _tell_once(self) -> None:
        entries, self._told = self._event_log.since(self._told), self._event_log.seq
        if not self._bridge.is_watched or not entries:
            return
        changed: dict[str, ChildRow] = {}
        gone: set[str] = set()
        with suppress(NoProc):  # the tree has ended
            changed, gone = await self._view.rows(self._touched(entries))
        self._bridge.publish(self._delta(entries, tuple(changed.values()), tuple(sorted(gone))))

    async def _show(self) -> None:
        """Keep the picture that the other thread shows while this loop does not turn not much older than the block."""
        while self._size <= SMALL:
            await self._to_show.wait()
            await anyio.sleep(OFTEN)  # so that a restart is in the picture as well as the failure before it
            self._to_show = anyio.Event()
            try:
                picture = await self._view.snapshot(self._event_log.seq)
                self._size = len(picture.children)
                self._bridge.keep(picture)
            except NoProc:
                return
            except Exception as bug:  # noqa: BLE001 # it must not end the process
                logger.error("control: how the tree looks cannot be kept: {}", describe(bug))
            await anyio.sleep(FRESH)

    def _delta(self, entries: tuple[Entry, ...], changed: tuple[ChildRow, ...], removed: tuple[str, ...]) -> Delta:
        view = self._view
        return Delta(
            seq=entries[-1].seq,
            wall=entries[-1].wall,
            state=view.state,
            blocked=None,
            root=view.root(),
            changed=changed,
            removed=removed,
            needs=view.needs(),
            open_incidents=view.open_incidents,
            events=tuple(entry.row() for entry in entries),
        )

    def _touched(self, entries: tuple[Entry, ...]) -> tuple[str, ...]:
        """The paths of the rows that may differ: those of the entries, all above them, and after some all below.

        In the order in which it happened, those above first, so that new children come in the order in which they were
        added.
        """
        touched = {path: None for entry in entries for path in (*reversed([*ancestors(entry.path)]), entry.path)}
        wide = {entry.path for entry in entries if isinstance(entry.what, _FOR_ALL_BELOW)}
        wide = {path for path in wide if self._view.has_below(path)}
        if wide:
            below = (info.path for info in self._view.handle.walk(remembered=True))
            touched |= dict.fromkeys(path for path in below if not wide.isdisjoint((path, *ancestors(path))))
        touched.pop(self._view.app, None)
        return tuple(touched)
