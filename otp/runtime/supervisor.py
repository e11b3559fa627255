"""A running supervisor: a machine, the children that it has started, and the hop between them.

It has no task. Whoever has an input, a dying child, a timer, a caller, executes the effects in that same step.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace as copy
from random import random
from types import FrameType
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from msgspec.structs import replace

from otp.core import effects
from otp.core.child import Child, Purpose
from otp.core.inputs import Begin, Exited, Input, Replace, Started, StartFailed, Stop
from otp.core.machine import SupervisorMachine
from otp.core.paths import id_of
from otp.core.plan import Phase
from otp.dependency import Dependency
from otp.exits import Exit, Killed, Refused, Shutdown
from otp.runtime.answer import Answer
from otp.runtime.child import TaskChild
from otp.runtime.inspect import ChildInfo, child_info
from otp.runtime.stack import chain_of
from otp.spec import AnySpec, SupervisorSpec

if TYPE_CHECKING:
    from otp.runtime.tree import Tree

__all__ = ("Ledger", "RunningSupervisor", "supervisor_in")


_DONE = Phase.DONE


class Ledger(NamedTuple):
    """What is left of a supervisor: the records of its children, and the ledgers of the supervisors among them."""

    children: dict[str, Child]
    below: dict[str, "Ledger"]

    def walk(self, now: float) -> Iterator[ChildInfo]:
        """All of them, each before its own children, in start order."""
        for id, child in tuple(self.children.items()):
            yield child_info(child, now)
            if id in self.below:
                yield from self.below[id].walk(now)


class RunningSupervisor:
    """Feeds its machine and does what the machine wants."""

    __slots__ = ("_busy", "_inbox", "_ledgers", "_parent", "_up", "generation", "live", "machine", "tree")

    def __init__(
        self, tree: "Tree", spec: SupervisorSpec, generation: int, parent: "RunningSupervisor | None" = None
    ) -> None:
        self.tree = tree
        self.generation = generation
        self.machine: SupervisorMachine = SupervisorMachine(spec, parent.machine.path if parent else "", random)
        self.live: dict[str, TaskChild | RunningSupervisor] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._parent = parent
        self._inbox: deque[Input] = deque()
        self._busy = False
        self._up = False

    def feed(self, event: Input) -> None:
        """Tell the machine, and do what it wants; inputs that come up meanwhile are handled after, in their order."""
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
        except Exception as bug:  # noqa: BLE001 # a supervisor that fails itself must not leave its children unsupervised
            tree.break_down(bug)
        finally:
            self._busy = False
        if machine.heard:
            tree.reporter.wake()  # only now: the next incarnation is scheduled already, hooks do not delay it

    def ended(self, id: str, child: "TaskChild | RunningSupervisor", event: Input) -> None:
        """A child has run its last line."""
        if self.live.get(id) is child:
            del self.live[id]
        self.feed(event)
        if self._parent is not None and self.machine.phase is _DONE and not self.live:
            self._parent.last_has_ended(self)
        self.tree.look_for_the_end()

    def last_has_ended(self, child: "RunningSupervisor") -> None:
        """The last of those in `child` who had refused to stop has ended after all."""
        id = child.machine.spec.id
        if self.live.get(id) is child:
            self.supervisor_ended(id, child, child.end(Shutdown()), child.ledger)

    def supervisor_ended(self, id: str, child: "RunningSupervisor", event: Input, ledger: Ledger) -> None:
        """The same for a supervisor; the one that follows it goes on with its ledger."""
        self._ledgers[id] = ledger
        self.ended(id, child, event)

    def inherit(self, ledger: Ledger | None, *, paused: bool) -> None:
        """Go on with the counters of the predecessor: they belong to a path, not to an incarnation above it.

        Args:
            ledger: what is left of it; None: there was none.
            paused: this supervisor is under maintenance.
        """
        children, self._ledgers = ledger or Ledger({}, {})
        self.machine.inherit(children, paused=paused)

    def begin(self, *, patient: bool = True) -> None:
        """Start the children.

        Args:
            patient: in the first start of the tree, which waits for children that wait for their next try.
        """
        self.feed(Begin(patient))

    def stop(self) -> None:
        """Stop the subtree in order."""
        self.feed(Stop(Shutdown()))

    def kill(self) -> None:
        """Stop the subtree at once."""
        self.feed(Stop(Killed(), brutal=True))

    def end(self, exit: Exit) -> Input:
        """What its own supervisor is told of its end."""
        kind = Exited if self._up else StartFailed
        return kind(self.machine.spec.id, self.generation, exit)

    @property
    def ledger(self) -> Ledger:
        """What the supervisor that follows it goes on with."""
        return Ledger(self.machine.children, self._ledgers)

    def left_of(self, id: str) -> Ledger:
        """What is left of a supervisor below that is not running; nothing, if it never was."""
        return self._ledgers.get(id) or Ledger({}, {})

    def dependency(self, id: str) -> tuple[str, Dependency] | None:
        """The dependency of that name that a supervisor declares, this one or the nearest above, and its path."""
        for one in self.machine.spec.dependencies:
            if one.id == id:
                return self.machine.path, one
        return self._parent.dependency(id) if self._parent is not None else None

    def amend(self, spec: AnySpec) -> None:
        """Whoever starts this supervisor anew starts that child by its new spec: it stands in the specs of all above."""
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
        """Its spec with the children that it has now; a dynamic one becomes a one_for_one, which it is to them."""
        children = (
            below.running_spec if isinstance(below := self.live.get(id), RunningSupervisor) else child.spec
            for id, child in self.machine.children.items()
        )
        spec = self.machine.spec
        return copy(spec, children=tuple(children), dynamic=False, max_children=None)

    def walk(self, *, remembered: bool = False) -> Iterator[ChildInfo]:
        """All children below, each before its own children, in start order; `remembered`: from ledgers too.

        The tree may change between two of them: each is told as it is when its turn comes.
        """
        for child in tuple(self.machine.children.values()):
            now = self.tree.now()
            yield child_info(child, now)
            below = self.live.get(child.spec.id)
            if isinstance(below, RunningSupervisor):
                yield from below.walk(remembered=remembered)
            elif remembered and child.spec.id in self._ledgers:
                yield from self._ledgers[child.spec.id].walk(now)

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
        if isinstance(child, TaskChild):
            event = replace(event, chain=chain_of(child))
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
            self._parent.feed(self.end(effect.exit))  # and stay among the live: somebody in here still runs
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
    """The supervisor that decides and acts in this frame, if it is one's: told from whatever thread."""
    return frame.f_locals.get("self") if frame.f_code is _FEED else None


_FEED = RunningSupervisor.feed.__code__
