"""A running supervisor: its machine, the children that it has started, and the hop between them.

It has no task. The caller of `feed` (a dying child, a timer, a request) executes the effects in that same step.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace as copy
from random import random
from types import FrameType
from typing import ClassVar, NamedTuple

from msgspec.structs import replace

from otp.core import effects
from otp.core.child import Child, Purpose
from otp.core.inputs import Begin, Exited, Input, Replace, Started, StartFailed, Stop
from otp.core.machine import SupervisorMachine
from otp.core.paths import id_of, join
from otp.core.plan import Phase
from otp.dependency import Dependency
from otp.exits import Exit, Killed, Refused, Shutdown
from otp.runtime import ports
from otp.runtime.answer import Answer
from otp.runtime.child import TaskChild
from otp.runtime.inspect import ChildInfo, child_info
from otp.runtime.stack import ChildStack
from otp.spec import AnySpec, SupervisorSpec

_DONE = Phase.DONE


class Ledger(NamedTuple):
    """Counters kept while a supervisor is down; the next incarnation continues them.

    Attributes:
        children: the records of its children.
        below: the ledgers of the supervisors among them.
    """

    children: dict[str, Child]
    below: dict[str, "Ledger"]

    def walk(self, now: float) -> Iterator[ChildInfo]:
        """All children in it, each before its own children, in start order."""
        for id, child in tuple(self.children.items()):
            yield child_info(child, now)
            if id in self.below:
                yield from self.below[id].walk(now)


class RunningSupervisor:
    """Feeds its machine, and executes the machine's effects."""

    __slots__ = ("_busy", "_inbox", "_ledgers", "_parent", "_up", "generation", "live", "machine", "tree")

    def __init__(
        self, tree: ports.Tree, spec: SupervisorSpec, generation: int, parent: "RunningSupervisor | None" = None
    ) -> None:
        self.tree = tree
        self.generation = generation
        self.machine: SupervisorMachine = SupervisorMachine(spec, parent.machine.path if parent else "", random)
        self.live: dict[str, ports.RunningChild | RunningSupervisor] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._parent = parent
        self._inbox: deque[Input] = deque()
        self._busy = False
        self._up = False

    def feed(self, event: Input) -> None:
        """Hand an input to the machine, and execute the effects; inputs that arise meanwhile follow, in their order."""
        tree, machine, inbox = self.tree, self.machine, self._inbox
        inbox.append(event)
        if self._busy or tree.broken:
            return
        self._busy = True
        machine.heard = tree.reporter.heard
        try:
            while inbox:
                for effect in machine.handle(inbox.popleft(), tree.now()):
                    self._EXECUTE[type(effect)](self, effect)
            if self._ledgers:
                self._ledgers = {id: kept for id, kept in self._ledgers.items() if id in machine.children}
        except Exception as bug:  # noqa: BLE001 # a bug of ours must not leave children unsupervised
            tree.break_down(bug)
        finally:
            self._busy = False
        if machine.heard:
            tree.reporter.wake()  # only now: the next incarnation is scheduled already, hooks do not delay it

    def ended(self, id: str, child: "ports.RunningChild | RunningSupervisor", event: Input) -> None:
        """The incarnation `child` has run its last line; `event` says how it ended."""
        if self.live.get(id) is child:
            del self.live[id]
        self.feed(event)
        if self._parent is not None and self.machine.phase is _DONE and not self.live:
            self._parent.last_has_ended(self)
        self.tree.check_gone()

    def last_has_ended(self, child: "RunningSupervisor") -> None:
        """The last child of the supervisor `child` that had refused to stop has ended after all."""
        id = child.machine.spec.id
        if self.live.get(id) is child:
            self.supervisor_ended(id, child, child.end(Shutdown()), child.ledger)

    def supervisor_ended(self, id: str, child: "RunningSupervisor", event: Input, ledger: Ledger) -> None:
        """The supervisor `child` has ended; its next incarnation continues with the ledger."""
        self._ledgers[id] = ledger
        self.ended(id, child, event)

    def inherit(self, ledger: Ledger | None, *, paused: bool) -> None:
        """Continue the predecessor's counters: they belong to a path, not to an incarnation of the supervisor above.

        Args:
            ledger: of the predecessor; None: there was none.
            paused: this supervisor is under maintenance.
        """
        children, self._ledgers = ledger or Ledger({}, {})
        self.machine.inherit(children, paused=paused)

    def begin(self, *, patient: bool = True) -> None:
        """Start the children.

        Args:
            patient: wait for children that wait for their next try, as in the first start of the tree.
        """
        self.feed(Begin(patient))

    def stop(self) -> None:
        """Stop the subtree in order."""
        self.feed(Stop(Shutdown()))

    def kill(self) -> None:
        """Stop the subtree at once."""
        self.feed(Stop(Killed(), brutal=True))

    def end(self, exit: Exit) -> Input:
        """The input for the supervisor above: how this one ended."""
        kind = Exited if self._up else StartFailed
        return kind(self.machine.spec.id, self.generation, exit)

    @property
    def ledger(self) -> Ledger:
        """What the next incarnation continues with."""
        return Ledger(self.machine.children, self._ledgers)

    def left_of(self, id: str) -> Ledger:
        """The ledger of a supervisor below that is down; an empty one if it never ran."""
        return self._ledgers.get(id) or Ledger({}, {})

    def dependency(self, id: str) -> tuple[str, Dependency] | None:
        """Return the path and the dependency of the nearest supervisor, this one or above, that declares it; None: none does."""
        for one in self.machine.spec.dependencies:
            if one.id == id:
                return self.machine.path, one
        return self._parent.dependency(id) if self._parent is not None else None

    def amend(self, spec: AnySpec) -> None:
        """Put a child's new spec into the specs of all supervisors above, so that a restart of one of them uses it."""
        above, amended = self._parent, self.machine.spec.with_child(spec)
        if above is not None and amended is not self.machine.spec:
            above.amend(amended)
            above.feed(Replace(amended.id, amended, None))

    @property
    def declared(self) -> frozenset[str]:
        """The names of all dependencies that this supervisor and those above it declare."""
        own = frozenset(one.id for one in self.machine.spec.dependencies)
        return own | self._parent.declared if self._parent is not None else own

    @property
    def running_spec(self) -> SupervisorSpec:
        """Its spec with the children that it has now; a dynamic supervisor appears as one_for_one."""
        children = (
            below.running_spec if isinstance(below := self.live.get(id), RunningSupervisor) else child.spec
            for id, child in self.machine.children.items()
        )
        spec = self.machine.spec
        return copy(spec, children=tuple(children), dynamic=False, max_children=None)

    def walk(self, *, remembered: bool = False) -> Iterator[ChildInfo]:
        """All children below, each before its own children, in start order; `remembered`: from ledgers too.

        The tree may change between two children: each is described as it is when its turn comes.
        """
        for child in tuple(self.machine.children.values()):
            now = self.tree.now()
            yield child_info(child, now)
            below = self.live.get(child.spec.id)
            if isinstance(below, RunningSupervisor):
                yield from below.walk(remembered=remembered)
            elif remembered and child.spec.id in self._ledgers:
                yield from self._ledgers[child.spec.id].walk(now)

    def stack(self) -> ChildStack:
        """Where all workers below wait."""
        return ChildStack(path=self.machine.path, below=tuple(map(self.stack_of, self.machine.children)))

    def stack_of(self, id: str) -> ChildStack:
        """Where this child, or all below it, waits; empty if it is not up."""
        child = self.live.get(id)
        return child.stack() if child is not None else ChildStack(path=join(self.machine.path, id))

    # ------------------------------------------------------------------------------------------------ effects

    def _start(self, effect: effects.Start) -> None:
        spec = effect.spec
        if isinstance(spec, SupervisorSpec):
            child = RunningSupervisor(self.tree, spec, effect.generation, self)
            record = self.machine.children[effect.child]
            child.inherit(self._ledgers.pop(effect.child, None), paused=record.paused)
            self.live[effect.child] = child
            child.begin(patient=self.machine.patient and record.purpose is Purpose.STARTUP)
        else:
            task = TaskChild(self, spec, effect.generation)
            self.live[effect.child] = self.tree.newest = task
            task.start(self.machine.children[effect.child].path)

    def _stop_child(self, effect: effects.Stop) -> None:
        child = self.live.get(effect.child)
        if child is not None and child.generation == effect.generation:
            child.stop()

    def _kill_child(self, effect: effects.Kill) -> None:
        child = self.live.get(effect.child)
        if child is not None and child.generation == effect.generation:
            child.kill()

    def _set_timer(self, effect: effects.SetTimer) -> None:
        self.tree.timers.set(self, effect.timer, effect.at)

    def _cancel_timer(self, effect: effects.CancelTimer) -> None:
        self.tree.timers.cancel(self, effect.timer)

    def _emit(self, effect: effects.Emit) -> None:
        self.tree.reporter.put(effect.event)

    def _emit_with_chain(self, effect: effects.EmitWithChain) -> None:
        event = effect.event
        child = self.live.get(id_of(event.path))
        if child is not None and not isinstance(child, RunningSupervisor):
            event = replace(event, chain=child.chain())
        self.tree.reporter.put(event)

    def _call_failed(self, effect: effects.CallFailed) -> None:
        self.tree.reporter.call_failed(effect.path, effect.failure)

    def _reply(self, effect: effects.Reply) -> None:
        if isinstance(effect.token, Answer):
            effect.token.give(effect.result, is_value=effect.is_value)

    def _retry(self, effect: effects.Retry) -> None:
        self._inbox.append(effect.note)

    def _check(self, effect: effects.Check) -> None:
        self.tree.dependencies.check(self, effect)

    def _ready(self, _: effects.Ready) -> None:
        self._up = True
        if self._parent is None:
            self.tree.started()
        else:
            self._parent.feed(Started(self.machine.spec.id, self.generation, None))

    def _done(self, effect: effects.Done) -> None:
        if self._parent is None:
            self.tree.ended(effect.exit)
        elif isinstance(effect.exit, Refused):
            self._parent.feed(self.end(effect.exit))  # keep it registered: a refused child is still running
        else:
            self._parent.supervisor_ended(self.machine.spec.id, self, self.end(effect.exit), self.ledger)

    _EXECUTE: ClassVar[dict[type[effects.Effect], Callable[..., None]]] = {
        effects.Start: _start,
        effects.Stop: _stop_child,
        effects.Kill: _kill_child,
        effects.SetTimer: _set_timer,
        effects.CancelTimer: _cancel_timer,
        effects.Emit: _emit,
        effects.EmitWithChain: _emit_with_chain,
        effects.CallFailed: _call_failed,
        effects.Reply: _reply,
        effects.Retry: _retry,
        effects.Check: _check,
        effects.Ready: _ready,
        effects.Done: _done,
    }


def supervisor_in(frame: FrameType) -> RunningSupervisor | None:
    """The supervisor that runs `feed` in this frame, if any; may be called in any thread."""
    return frame.f_locals.get("self") if frame.f_code is _FEED else None


_FEED = RunningSupervisor.feed.__code__
