"""The commands that act, one child after the other: a restart of many is a rolling one."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, get_args

import anyio

from otp.control.tree.audit import Audit, one_line
from otp.control.tree.blast_radius import of_restart, of_stop
from otp.control.tree.maintenance import Maintenance
from otp.control.tree.view import View, incident_row
from otp.control.wire.commands import (
    Command,
    Drain,
    InjectFault,
    OnChildren,
    Pause,
    Reset,
    ResolveIncident,
    Restart,
    Resume,
    Start,
    Stop,
)
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import Acted, Answer, Draining, Failure, Resolved
from otp.control.wire.rows import Change
from otp.control.wire.targets import Node, NoSuchChild, TooMany
from otp.core.child import ChildState
from otp.core.foresight import could_follow
from otp.errors import (
    ChildRefused,
    ControlError,
    FaultError,
    NoProc,
    NotFound,
    NotSupported,
    OTPError,
    PatternError,
    Restarting,
    Running,
)
from otp.faults import Faults


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
        self.by_command: dict[type[Command], Callable[[Peer, str, Any], Awaitable[Answer]]] = {
            **dict.fromkeys(get_args(OnChildren), self.on_children),
            ResolveIncident: self.resolve,
            Drain: self.drain,
        }

    async def on_children(self, peer: Peer, op: str, command: OnChildren) -> Acted:
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
        reach = of_restart if isinstance(command, Restart) else of_stop
        changes: list[Change] = []
        touched: set[str] = set()
        for node in named:
            radius = reach(nodes, node.path)
            if command.dry_run:
                change = self._planned(command, node, radius)
            elif isinstance(command, Restart) and node.path in touched:
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

    async def resolve(self, peer: Peer, op: str, command: ResolveIncident) -> Resolved:
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

    async def drain(self, peer: Peer, op: str, command: Drain) -> Draining:
        """Stop the whole tree in order, or say what would be stopped."""
        nodes = await self._view.outline()
        children = tuple(node.path for node in reversed(nodes[1:]))
        if not command.dry_run:
            self._audit.did(peer, op, command)
            self._handle.stop()
        return Draining(op=op, dry_run=command.dry_run, children=children)

    async def cut_short(self, command: Command) -> None:
        """Stop what is left of a drained tree at once, when the seconds of its Drain are over."""
        if isinstance(command, Drain) and command.seconds is not None and not command.dry_run:
            await anyio.sleep(command.seconds)
            self._handle.kill()

    async def end_maintenance(self, path: str) -> bool:
        """Resume a child whose maintenance is over; False: a supervisor above is down, try again later."""
        try:
            await self._handle.resume(self._below(path))
        except NoProc:
            return self._view.has_ended
        except NotFound:  # the child is gone
            return True
        self._audit.over(path)
        return True

    def _check(self, command: OnChildren, named: Sequence[Node]) -> None:
        if isinstance(command, InjectFault) and self._faults is None:
            raise NotAllowed("this process was started without faults; start it with otp run --faults")
        if isinstance(command, Restart | Stop | Start | InjectFault) and named[0].path == self._view.app:
            verb = str(type(command).__struct_config__.tag)
            raise NotAllowed(
                f"{verb} is for the children of {self._view.app}, not for the root itself; name one of them, "
                f"or {verb} '*' --all for each of them; otp drain ends the whole process in order"
            )

    def _planned(self, command: OnChildren, node: Node, radius: tuple[str, ...]) -> Change:
        follows = could_follow(self._handle.running_spec(), node.path) if isinstance(command, Restart) else ()
        return Change(
            path=node.path, radius=radius, before=node.state, after=node.state, took_s=0.0, could_follow=follows
        )

    def _restarted_along(self, node: Node) -> Change:
        """What to say of a child that has just been restarted with a sibling: once is enough."""
        along = "restarted along with a sibling"
        return Change(
            path=node.path, radius=(), before=node.state, after=self._state(node.path), took_s=0.0, message=along
        )

    async def _act(self, peer: Peer, op: str, command: OnChildren, path: str, touched: tuple[str, ...]) -> Change:
        before, begun = self._state(path), time.monotonic()
        error, message = "", ""
        try:
            message = await self._carry_out(path, command)
        except OTPError as no:
            error, message = self.refusal(no)
            message = one_line(message)
        change = Change(
            path=path,
            radius=touched,
            before=before,
            after=self._state(path),
            took_s=time.monotonic() - begun,
            error=error,
            message=message,
        )
        self._audit.acted(peer, op, command, change)
        return change

    def refusal(self, error: OTPError) -> tuple[Failure, str]:
        """Why a command is not carried out: its kind, which decides the exit code, and what to do about it."""
        match error:
            case NoProc():
                return "gone" if self._view.has_ended else "conflict", self._view.no_supervisor(error)
            case NotFound() | NoSuchChild():
                return "not_found", str(error)
            case NotAllowed() | TooMany() | PatternError():
                return "refused", str(error)
            case Restarting() | Running() | NotSupported() | FaultError():
                return "conflict", str(error)
            case ChildRefused(paths=paths):
                hint = f"otp stack {paths[0]} says where it hangs, and only the end of the process ends it"
                return "error", f"{error}; {hint}"
            case _:
                return "error", str(error)

    def _state(self, path: str) -> str:
        if path == self._view.app:
            return self._view.root_state
        try:
            info = self._view.info(path)
        except NoProc:  # the tree has ended
            return "gone"
        return str(info.state) if info is not None else "gone"

    def _below(self, path: str) -> str:
        """The path below the root, as the root's handle takes it."""
        return path.removeprefix(self._view.app).removeprefix("/")

    # ------------------------------------------------------------------------------------------------ one child

    async def _carry_out(self, path: str, command: OnChildren) -> str:
        """Do to one child what the command says; returns what is worth knowing of it."""
        below = self._below(path)
        match command:
            case Restart():
                await self._handle.restart(below)
            case Stop():
                await self._handle.terminate_child(below)
            case Start():
                return await self._start(path)
            case Reset():
                await self._handle.reset(below)
            case Pause():
                await self._handle.pause(below)
                self._maintenance.begin(path, command.seconds)
            case Resume():
                await self._handle.resume(below)
                self._maintenance.end(path)
            case InjectFault():
                self._inject(path, command)
        return ""

    async def _start(self, path: str) -> str:
        try:
            await self._handle.restart_child(self._below(path))
        except Running:
            if self._state(path) == ChildState.REFUSED:
                raise ChildRefused((path,)) from None
            return "it is up already"
        return ""

    def _inject(self, path: str, command: InjectFault) -> None:
        assert self._faults is not None
        try:
            injection = self._faults.inject(path, command.kind, times=command.times, seconds=command.seconds)
        except NotFound:  # it is there, so it was added by start_child
            raise FaultError(path, "it was added while the tree ran; faults reach those that it began with") from None
        self._view.seen.incidents.injecting(path, injection.marked_until)
