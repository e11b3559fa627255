"""The desk: where requests reach the tree's event loop, and what happens in it leaves for those who watch.

Everything here runs in the tree's loop, beside the tree and not in it: it goes on while the tree starts, restarts and
stops. The socket side runs in a thread of its own and only exchanges frozen values with it.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup
from msgspec import Struct

from otp.control.tree.actions import Actions, kind_of
from otp.control.tree.event_log import Entry, Timeline
from otp.control.tree.queries import Looks
from otp.control.tree.view import View
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import ON_CHILDREN, Answer, Command, Drain, Failed, ResolveIncident
from otp.control.wire.rows import ChildRow, Delta, EventRow, Snapshot
from otp.errors import NoProc, OTPError
from otp.events import Event, MaintenanceEnded, MaintenanceStarted, SupervisorExited, SupervisorStopping
from otp.observe.incident import IncidentChange, IncidentResolved
from otp.observe.logger import logger
from otp.runtime.crash import describe

__all__ = ("Desk", "Question")

OFTEN = 0.1
"""Seconds between two deltas at least: a storm is told in few words."""

FRESH = 1.0
"""Seconds between two pictures of the tree for the other thread, while something happens."""

SMALL = 500
"""Children of which a picture is taken unasked: it costs a few milliseconds."""

PACE = 0.005
"""Seconds of pause for each question, and at least as long as the loop was busy with the last ones: many clients at
once get less than half of the loop's time."""

BURST = 10
"""Questions that are taken before a pause. A pause of some length leaves the tree undisturbed for most of the time; as
many short ones disturb it all the time."""

_FOR_ALL_BELOW = (SupervisorStopping, SupervisorExited, MaintenanceStarted, MaintenanceEnded, EventRow)
"""After these the rows below are different too, and nothing is told of each; a row is what an operator did."""


class Question(Struct, frozen=True):
    """A request on its way to the tree's loop.

    Attributes:
        op: its id.
        peer: who asks.
        command: what is wanted.
        answer: called in the tree's loop with what comes of it.
    """

    op: str
    peer: Peer
    command: Command
    answer: Callable[[Answer | Failed], None]


class Desk:
    """Answers questions about one tree, and tells what changes in it.

    Args:
        view: of the tree.
        looks: answer those that look.
        actions: answer those that act.
        timeline: what happened; the hook of the tree.
    """

    lasting = True

    def __init__(
        self,
        *,
        view: View,
        looks: Looks,
        actions: Actions,
        timeline: Timeline,
    ) -> None:
        self._watched = False
        self._view = view
        self._looks = looks
        self._actions = actions
        self._timeline = timeline
        self._told = 0
        self._inbox: deque[Question] = deque()
        self._asked = anyio.Event()
        self._happened = anyio.Event()
        self._changed = anyio.Event()
        self._size = 0
        self._answers: dict[type[Command], Callable[[Question], Awaitable[Answer]]] = {
            **{kind: _looking(look) for kind, look in looks.by_command.items()},
            **dict.fromkeys(ON_CHILDREN, self._act),
            ResolveIncident: self._resolve,
            Drain: self._drain,
        }

    def __call__(self, event: Event) -> None:
        """The event hook: something happened."""
        self._timeline(event)
        self._noted()

    def resolved(self, change: IncidentChange) -> None:
        """The listener to incidents: one is over, which no event tells."""
        if isinstance(change, IncidentResolved):
            incident = change.incident
            self._timeline.note("incident.resolved", incident.path, f"incident {incident.id} is over")
            self._noted()

    def be_watched(self, watched: bool) -> None:
        """Somebody wants to know what changes, or nobody does any more; called from the other thread."""
        self._watched = watched

    def ask(self, question: Question) -> None:
        """Take a question; called in the tree's loop."""
        self._inbox.append(question)
        self._asked.set()

    async def run(self, publish: Callable[[Delta], None], keep: Callable[[Snapshot], None]) -> None:
        """Answer and tell, until cancelled.

        Args:
            publish: told what changed, while somebody watches.
            keep: told how a small tree looks, a while after something happened.
        """
        async with anyio.create_task_group() as group:
            self._group = group
            group.start_soon(self._tell, publish)
            group.start_soon(self._show, keep)
            while True:
                await self._asked.wait()
                self._asked = anyio.Event()
                while self._inbox:
                    await self._take_some(group)

    async def _take_some(self, group: TaskGroup) -> None:
        begun, taken = anyio.current_time(), min(BURST, len(self._inbox))
        for _ in range(taken):
            group.start_soon(self._answer, self._inbox.popleft())
            await anyio.lowlevel.checkpoint()  # one for each turn of the loop: the tree goes first
        await anyio.sleep(max(taken * PACE, anyio.current_time() - begun))

    # ------------------------------------------------------------------------------------------------ questions

    async def _answer(self, question: Question) -> None:
        try:
            answer: Answer | Failed = await self._answers[type(question.command)](question)
        except OTPError as no:
            answer = self._no(question, no)
        except Exception as bug:  # noqa: BLE001 # a question must not end the desk
            logger.error("control: {} failed: {}", type(question.command).__name__, describe(bug))
            answer = Failed(
                id=question.op, kind="error", message=f"otp itself failed, please report it: {describe(bug)}"
            )
        question.answer(answer)

    def _no(self, question: Question, error: OTPError) -> Failed:
        if not isinstance(error, NoProc):
            return Failed(id=question.op, kind=kind_of(error), message=str(error))
        kind = "gone" if self._view.has_ended else kind_of(error)
        return Failed(id=question.op, kind=kind, message=self._view.no_supervisor(error))

    async def _act(self, question: Question) -> Answer:
        command = question.command
        assert isinstance(command, ON_CHILDREN)
        acted = await self._actions.on_children(question.peer, question.op, command)
        self._noted()
        return acted

    async def _resolve(self, question: Question) -> Answer:
        assert isinstance(question.command, ResolveIncident)
        resolved = self._actions.resolve(question.peer, question.op, question.command)
        self._noted()
        return resolved

    async def _drain(self, question: Question) -> Answer:
        assert isinstance(question.command, Drain)
        draining = await self._actions.drain(question.peer, question.op, question.command)
        if question.command.seconds is not None and not draining.dry_run:
            self._group.start_soon(self._cut_short, question.command.seconds)
        return draining

    async def _cut_short(self, seconds: float) -> None:
        await anyio.sleep(seconds)
        self._view.handle.kill()

    def _noted(self) -> None:
        """There is a new entry in the timeline; without anybody who watches it counts as told."""
        self._changed.set()
        if self._watched:
            self._happened.set()
        else:
            self._told = self._timeline.seq

    # ------------------------------------------------------------------------------------------------ what changes

    async def _tell(self, publish: Callable[[Delta], None]) -> None:
        while True:
            await self._happened.wait()
            self._happened = anyio.Event()
            try:
                await self._tell_once(publish)
            except Exception as bug:  # noqa: BLE001 # it must not end the process
                logger.error("control: what has changed cannot be told: {}", describe(bug))
            await anyio.sleep(OFTEN)

    async def _tell_once(self, publish: Callable[[Delta], None]) -> None:
        entries, self._told = self._timeline.since(self._told), self._timeline.seq
        if not self._watched or not entries:
            return
        changed: dict[str, ChildRow] = {}
        gone: set[str] = set()
        with suppress(NoProc):  # the tree has ended
            changed, gone = await self._view.rows(self._touched(entries))
        publish(self._delta(entries, tuple(changed.values()), tuple(sorted(gone))))

    async def _show(self, keep: Callable[[Snapshot], None]) -> None:
        """What the other thread shows while this loop does not turn is not much older than the block."""
        while self._size <= SMALL:
            await self._changed.wait()
            await anyio.sleep(
                OFTEN
            )  # what follows at once is in the picture, a restart as well as the failure before it
            self._changed = anyio.Event()
            try:
                snapshot = await self._looks.snapshot()
                self._size = len(snapshot.children)
                keep(snapshot)
            except NoProc:
                return
            except Exception as bug:  # noqa: BLE001 # it must not end the process
                logger.error("control: how the tree looks cannot be kept: {}", describe(bug))
            await anyio.sleep(FRESH)

    def tell_the_end(self, publish: Callable[[Delta], None]) -> None:
        """The tree has ended, and the control plane is about to: tell what has not been told."""
        entries = self._timeline.since(self._told)
        if self._watched and entries:
            publish(self._delta(entries, (), ()))

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
        """Whose rows may be different: those who something happened to, those above them, and sometimes all below.

        In the order in which it happened, those above first: so new ones come in the order in which they were added.
        """
        touched = {path: None for entry in entries for path in reversed(tuple(_to_root(entry.path)))}
        wide = {entry.path for entry in entries if isinstance(entry.what, _FOR_ALL_BELOW)}
        wide = {path for path in wide if self._view.has_below(path)}
        if wide:
            below = (info.path for info in self._view.handle.walk(remembered=True))
            touched |= dict.fromkeys(path for path in below if not wide.isdisjoint(_to_root(path)))
        touched.pop(self._view.app, None)
        return tuple(touched)


def _to_root(path: str) -> Iterator[str]:
    """The path, and those of all above it, the root last."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _looking(look: Callable[[Any], Awaitable[Answer]]) -> Callable[[Question], Awaitable[Answer]]:
    return lambda question: look(question.command)
