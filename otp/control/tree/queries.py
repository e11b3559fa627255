"""The commands that only look at a tree, answered in its event loop."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import anyio

from otp import faults
from otp.control.tree.blast_radius import explained
from otp.control.tree.event_log import EventLog
from otp.control.tree.view import AT_ONCE, View, incident_row
from otp.control.wire import commands, rows
from otp.control.wire.health import health_of
from otp.control.wire.protocol import Answer, Events, Incidents, Stacks
from otp.control.wire.targets import Node, NoSuchChild, covering, single
from otp.core.paths import ancestors, is_within, parent_of
from otp.errors import NoProc
from otp.observe.log_ring import LogRing
from otp.runtime.stack import ChildStack

TIMELINE = 20
"""Events that `why` shows."""

LOG_LINES = 20
"""Lines of a log that `why` shows."""

MOST_EVENTS = 5_000
"""Events that can be asked for at once."""

PASSED, READ, MADE = 0.05, 0.01, 1.0
"""The cost of passing an event over, of reading one character of its path, and of making a sentence of it, in the time
that a child's row takes."""


class Queries:
    """The answers to the commands that look.

    Args:
        view: of the tree.
        event_log: what happened.
        log: what children logged.

    Attributes:
        by_command: what answers which command.
    """

    def __init__(self, view: View, event_log: EventLog, log: LogRing) -> None:
        self._view = view
        self._event_log = event_log
        self._log = log
        self.by_command: dict[type[commands.Command], Callable[[Any], Awaitable[Answer]]] = {
            commands.GetSnapshot: self.snapshot,
            commands.Watch: self.snapshot,
            commands.GetHealth: self.health,
            commands.GetEvents: self.events,
            commands.GetIncidents: self.incidents,
            commands.Explain: self.explain,
            commands.GetWhy: self.why,
            commands.GetStack: self.stack,
        }

    async def snapshot(self, _: commands.GetSnapshot | commands.Watch | None = None) -> rows.Snapshot:
        """The whole tree."""
        return await self._view.snapshot(self._event_log.seq)

    async def health(self, _: commands.GetHealth) -> rows.Health:
        """The health of the tree."""
        return health_of(await self.snapshot())

    async def events(self, command: commands.GetEvents) -> Events:
        """The last events, oldest first."""
        about = covering(self._view.app, command.path)
        return Events(await self._newest(about, min(command.limit, MOST_EVENTS), debug=command.debug))

    async def incidents(self, command: commands.GetIncidents) -> Incidents:
        """Incidents, newest first."""
        about = covering(self._view.app, command.path)
        return Incidents(tuple(self._incidents(about, resolved=command.resolved)))

    async def explain(self, command: commands.Explain) -> rows.Explained:
        """When a child is given up, and what a restart of it touches."""
        nodes = await self._view.outline()
        return self._explained(nodes, await self._one(nodes, command.path))

    async def stack(self, command: commands.GetStack) -> Stacks:
        """What a worker awaits, or all workers below a supervisor."""
        return Stacks(self._stacks(await self._one(await self._view.outline(), command.path)))

    async def why(self, command: commands.GetWhy) -> rows.Why:
        """All that helps to understand one child."""
        nodes = await self._view.outline()
        path = await self._one(nodes, command.path)
        is_root = path == self._view.app
        above = parent_of(path) or path
        siblings = [node.path for node in nodes if parent_of(node.path) == above and node.path != path]
        found, _ = await self._view.rows({path, above, *siblings} - {self._view.app})
        found[self._view.app] = self._view.root()
        if path not in found:
            raise NoSuchChild(f"{path} has just gone")
        child = found[path]
        return rows.Why(
            child=child,
            supervisor=found.get(above, child),
            siblings=tuple(found[sibling] for sibling in siblings if sibling in found),
            incidents=tuple(self._incidents(lambda other: is_within(other, path), resolved=True)),
            failures=self._view.failures(path),
            needs=self._needs(path),
            timeline=await self._around(path, set(siblings)),
            log=tuple(
                rows.LogRow(wall=line.wall, level=line.level, text=line.text)
                for line in self._log.last(path, LOG_LINES)
            ),
            stacks=self._stacks_if_running(child),
            explained=None if is_root else self._explained(nodes, path),
        )

    # ------------------------------------------------------------------------------------------------ parts

    async def _one(self, nodes: list[Node], path: str) -> str:
        """The path of the child that a command names; a pattern has to name exactly one."""
        return single(await self._view.chosen(nodes, path), path).path

    def _incidents(self, about: Callable[[str], bool], *, resolved: bool) -> Iterator[rows.IncidentRow]:
        incidents = self._view.seen.incidents
        now = anyio.current_time()
        known = incidents.all() if resolved else incidents.open()
        found = [one for one in known if about(one.path)]
        yield from (incident_row(one, now) for one in sorted(found, key=lambda one: one.id, reverse=True))

    def _explained(self, nodes: list[Node], path: str) -> rows.Explained:
        if path == self._view.app:
            raise NoSuchChild(f"{path} is the root, which nobody restarts; name one of its children")
        return explained(self._view.handle.running_spec(), nodes, path)

    def _stacks(self, path: str) -> tuple[rows.StackRow, ...]:
        handle = self._view.handle
        states = {info.path: str(info.state) for info in handle.walk() if is_within(info.path, path)}
        found = handle.stack(path.removeprefix(self._view.app))
        return tuple(_stack_row(stack, states) for stack in _workers(found))

    def _stacks_if_running(self, child: rows.ChildRow) -> tuple[rows.StackRow, ...]:
        with suppress(NoProc):  # the supervisor above is down
            return self._stacks(child.path) if child.kind == "worker" else ()
        return ()

    def _needs(self, path: str) -> tuple[rows.NeedRow, ...]:
        above = {path, *ancestors(path)}
        return tuple(need for need in self._view.needs() if need.path in above)

    async def _around(self, path: str, siblings: set[str]) -> tuple[rows.EventRow, ...]:
        """The last events of a child, of all below it, of its siblings, and of the supervisors above."""
        others = siblings.union(ancestors(path))
        return await self._newest(lambda other: is_within(other, path) or other in others, TIMELINE, debug=False)

    async def _newest(self, about: Callable[[str], bool], limit: int, *, debug: bool) -> tuple[rows.EventRow, ...]:
        """The last events about these paths, oldest first. Others get a turn of the event loop between."""
        found: list[rows.EventRow] = []
        done = 0.0
        for entry in tuple(self._event_log.newest()):
            if len(found) >= limit:
                break
            done += PASSED + READ * len(entry.path)
            if about(entry.path):
                row = entry.row()
                done += MADE
                if debug or row.level != "DEBUG":
                    found.append(row)
            if done >= AT_ONCE:
                done = 0.0
                await anyio.lowlevel.checkpoint()
        return tuple(reversed(found))


def _workers(stack: ChildStack) -> Iterator[ChildStack]:
    if not stack.below:
        yield stack
    for below in stack.below:
        yield from _workers(below)


def _stack_row(stack: ChildStack, states: dict[str, str]) -> rows.StackRow:
    chain = tuple(step for step in stack.chain if f"({faults.__file__}:" not in step)  # it is around every worker
    own = (rows.TaskRow(name=stack.path, depth=0, chain=chain),) if chain else ()
    tasks = (rows.TaskRow(name=task.name, depth=task.depth, chain=task.chain) for task in stack.tasks)
    return rows.StackRow(path=stack.path, state=states.get(stack.path, "gone"), tasks=(*own, *tasks))
