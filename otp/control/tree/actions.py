"""The commands that act, one child after the other: a restart of many is a rolling one."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, get_args

import anyio

from otp import errors
from otp.control.tree.audit import Audit, one_line
from otp.control.tree.blast_radius import of_restart, of_stop
from otp.control.tree.maintenance import Maintenance
from otp.control.tree.view import View, incident_row
from otp.control.wire import commands
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import Acted, Answer, Draining, Failure, Resolved
from otp.control.wire.rows import Change
from otp.control.wire.targets import Node, NoSuchChild, TooMany
from otp.core.child import ChildState
from otp.core.foresight import could_follow
from otp.errors import ControlError, FaultError
from otp.faults import Faults

_BELOW_THE_ROOT = (commands.Restart, commands.Stop, commands.Start, commands.InjectFault)
"""Commands that the root itself does not take."""


class NotAllowed(ControlError):
    """This process, or this child, does not take the command."""


class Actions:
    """Carries out the acting commands on one tree, in its event loop.

    Args:
        view: of the tree.
        maintenance: deadlines of pauses.
        audit: writes down what was done.
        faults: injects faults; None: they are not allowed.

    Attributes:
        by_command: what carries out which command.
    """

    def __init__(self, view: View, maintenance: Maintenance, audit: Audit, faults: Faults | None) -> None:
        self._view = view
        self._handle = view.handle
        self._maintenance = maintenance
        self._audit = audit
        self._faults = faults
        self.by_command: dict[type[commands.Command], Callable[[Peer, str, Any], Awaitable[Answer]]] = {
            **dict.fromkeys(get_args(commands.OnChildren), self.on_children),
            commands.ResolveIncident: self.resolve,
            commands.Drain: self.drain,
        }

    async def on_children(self, peer: Peer, op: str, command: commands.OnChildren) -> Acted:
        """Act on the children that the command names, or say what it would touch.

        Raises:
            NoSuchChild: the command names no child of this tree.
            TooMany: it names several, without `all`.
            NotAllowed: faults are not allowed here, or the command is none for the root.
            PatternError: the pattern is too long.
        """
        nodes = await self._view.outline()
        named = await self._view.chosen(nodes, command.path, many=command.all or command.dry_run)
        self._check(command, named)
        reach = of_restart if isinstance(command, commands.Restart) else of_stop
        changes: list[Change] = []
        touched: set[str] = set()
        for node in named:
            radius = reach(nodes, node.path)
            if command.dry_run:
                change = self._planned(command, node, radius)
            elif isinstance(command, commands.Restart) and node.path in touched:
                change = self._restarted_along(node)
            else:
                change = await self._act(peer, op, command, node.path, radius)
            changes.append(change)
            touched.update(change.radius if not change.error else ())
        return Acted(
            op=op,
            dry_run=command.dry_run,
            changes=tuple(changes),
            untouched=sum(node.path not in touched for node in nodes[1:]),
        )

    async def resolve(self, peer: Peer, op: str, command: commands.ResolveIncident) -> Resolved:
        """Resolve an incident by hand.

        Raises:
            NoSuchChild: no incident of that id is open.
        """
        incidents = self._view.seen.incidents
        now = anyio.current_time()
        if not incidents.resolve(command.incident, now):
            known = ", ".join(incident.id for incident in incidents.open()) or "none"
            raise NoSuchChild(f"there is no open incident {one_line(command.incident)!r}; open are: {known}")
        incident = next(one for one in incidents.all() if one.id == command.incident)
        self._audit.did(peer, op, command, incident.path)
        return Resolved(op=op, incident=incident_row(incident, now))

    async def drain(self, peer: Peer, op: str, command: commands.Drain) -> Draining:
        """Stop the whole tree in order, or say what would be stopped."""
        nodes = await self._view.outline()
        children = tuple(node.path for node in reversed(nodes[1:]))
        if not command.dry_run:
            self._audit.did(peer, op, command)
            self._handle.stop()
        return Draining(op=op, dry_run=command.dry_run, children=children)

    async def cut_short(self, command: commands.Command) -> None:
        """Stop what is left of a drained tree at once, when the seconds of its Drain are over."""
        if isinstance(command, commands.Drain) and command.seconds is not None and not command.dry_run:
            await anyio.sleep(command.seconds)
            self._handle.kill()

    async def end_maintenance(self, path: str) -> bool:
        """Resume a child whose maintenance is over; False: a supervisor above is down, try again later."""
        try:
            await self._handle.resume(self._below(path))
        except errors.NoProc:
            return self._view.has_ended
        except errors.NotFound:  # the child is gone
            return True
        self._audit.over(path)
        return True

    def _check(self, command: commands.OnChildren, named: Sequence[Node]) -> None:
        if isinstance(command, commands.InjectFault) and self._faults is None:
            raise NotAllowed("this process was started without faults; start it with otp run --faults")
        if isinstance(command, _BELOW_THE_ROOT) and named[0].path == self._view.app:
            verb = str(type(command).__struct_config__.tag)
            raise NotAllowed(
                f"{verb} is for the children of {self._view.app}, not for the root itself; name one of them, "
                f"or {verb} '*' --all for each of them; otp drain ends the whole process in order"
            )

    def _planned(self, command: commands.OnChildren, node: Node, radius: tuple[str, ...]) -> Change:
        follows = could_follow(self._handle.running_spec(), node.path) if isinstance(command, commands.Restart) else ()
        return Change(
            path=node.path, radius=radius, before=node.state, after=node.state, took_s=0.0, could_follow=follows
        )

    def _restarted_along(self, node: Node) -> Change:
        """What to say of a child that has just been restarted with a sibling: once is enough."""
        along = "restarted along with a sibling"
        return Change(
            path=node.path, radius=(), before=node.state, after=self._state(node.path), took_s=0.0, message=along
        )

    async def _act(
        self, peer: Peer, op: str, command: commands.OnChildren, path: str, radius: tuple[str, ...]
    ) -> Change:
        before, begun = self._state(path), time.monotonic()
        error, message = "", ""
        try:
            message = await self._carry_out(path, command)
        except errors.OTPError as no:
            error, message = self.refusal(no)
            message = one_line(message)
        change = Change(
            path=path,
            radius=radius,
            before=before,
            after=self._state(path),
            took_s=time.monotonic() - begun,
            error=error,
            message=message,
        )
        self._audit.acted(peer, op, command, change)
        return change

    def refusal(self, error: errors.OTPError) -> tuple[Failure, str]:
        """Why a command is not carried out: its kind, which decides the exit code, and what to do about it."""
        match error:
            case errors.NoProc():
                return "gone" if self._view.has_ended else "conflict", self._view.no_supervisor(error)
            case errors.NotFound() | NoSuchChild():
                return "not_found", str(error)
            case NotAllowed() | TooMany() | errors.PatternError():
                return "refused", str(error)
            case errors.Restarting() | errors.Running() | errors.NotSupported() | FaultError():
                return "conflict", str(error)
            case errors.ChildRefused(paths=paths):
                hint = f"otp stack {paths[0]} says where it hangs, and only the end of the process ends it"
                return "error", f"{error}; {hint}"
            case _:
                return "error", str(error)

    def _state(self, path: str) -> str:
        if path == self._view.app:
            return self._view.root_state
        try:
            info = self._view.info(path)
        except errors.NoProc:  # the tree has ended
            return "gone"
        return str(info.state) if info is not None else "gone"

    def _below(self, path: str) -> str:
        """The path below the root, as the root's handle takes it."""
        return path.removeprefix(self._view.app).removeprefix("/")

    # ------------------------------------------------------------------------------------------------ one child

    async def _carry_out(self, path: str, command: commands.OnChildren) -> str:
        """Do to one child what the command says; returns what is worth knowing of it."""
        below = self._below(path)
        match command:
            case commands.Restart():
                await self._handle.restart(below)
            case commands.Stop():
                await self._handle.terminate_child(below)
            case commands.Start():
                return await self._start(path)
            case commands.Reset():
                await self._handle.reset(below)
            case commands.Pause():
                await self._handle.pause(below)
                self._maintenance.begin(path, command.seconds)
            case commands.Resume():
                await self._handle.resume(below)
                self._maintenance.end(path)
            case commands.InjectFault():
                self._inject(path, command)
        return ""

    async def _start(self, path: str) -> str:
        try:
            await self._handle.restart_child(self._below(path))
        except errors.Running:
            if self._state(path) == ChildState.REFUSED:
                raise errors.ChildRefused((path,)) from None
            return "it is up already"
        return ""

    def _inject(self, path: str, command: commands.InjectFault) -> None:
        assert self._faults is not None
        try:
            injection = self._faults.inject(path, command.kind, times=command.times, seconds=command.seconds)
        except errors.NotFound:  # it is there, so it was added by start_child
            raise FaultError(path, "it was added while the tree ran; faults reach those that it began with") from None
        self._view.seen.incidents.injecting(path, injection.marked_until)
