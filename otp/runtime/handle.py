"""The handle: what the program that opened a tree can ask it and do to it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from otp.checks.values import is_a
from otp.core.child import Child
from otp.core.inputs import (
    DeleteChild,
    Maintenance,
    Pause,
    Replace,
    Request,
    Reset,
    RestartChild,
    RestartNow,
    Resume,
    StartChild,
    TerminateChild,
)
from otp.core.paths import join, parts
from otp.core.plan import Phase
from otp.errors import NoProc, NotFound, NotSupported, SpecError
from otp.foreign.guard import CallFailed, Role, call
from otp.runtime import maintenance
from otp.runtime.answer import Answer
from otp.runtime.inspect import Budget, ChildInfo, Counts, budget, child_info, count_children
from otp.runtime.reporter import EventHook, check_hooks
from otp.runtime.stack import ChildStack, stack_of, stacks_below
from otp.runtime.supervisor import RunningSupervisor
from otp.spec import AnySpec, ChildSpec, Restart, SupervisorSpec, check_depth, check_needs
from otp.text.quoting import type_name

if TYPE_CHECKING:
    from otp.runtime.tree import Tree

__all__ = ("Supervisor",)


class Supervisor:
    """A supervisor of a running tree, named by its path; it stays valid when that supervisor is restarted.

    Children are named by their path from here: `"ws_worker"`, `"workers/ws_worker"`. All methods raise `NoProc` when
    the supervisor that they need is not running, and `NotFound` for an unknown child.
    """

    def __init__(self, tree: "Tree", path: tuple[str, ...] = ()) -> None:
        self._tree = tree
        self._path = path

    @property
    def path(self) -> str:
        """The path of this supervisor, from the root of the tree."""
        return "/".join((self._tree.root.machine.spec.id, *self._path))

    @property
    def spec(self) -> SupervisorSpec:
        """The spec of this supervisor."""
        return self._supervisor(()).machine.spec

    @property
    def phase(self) -> Phase:
        """Where this supervisor is in its life."""
        if not self._path:
            return self._tree.root.machine.phase
        return self._supervisor(()).machine.phase

    # ------------------------------------------------------------------------------------------------ requests

    async def start_child(self, spec: AnySpec, *, under: str = "") -> Any:
        """Add a child behind the others and start it (S49).

        Args:
            spec: of the child.
            under: path of the supervisor that gets it; empty: this one.

        Returns:
            What it gave to `task_status.started()`; None without `ready=True`, and for a child that raised `Ignore`.

        Raises:
            AlreadyStarted: a child of that id is up.
            AlreadyPresent: a child of that id is known, and down.
            MaxChildren: the dynamic supervisor is full.
            StartError: it did not come up; it is forgotten. The cause is its `__cause__`.
            SpecError: it cannot stand under this supervisor.
        """
        supervisor = self._supervisor(parts(under))
        supervisor.machine.spec.check_child(spec)
        _check_fits(spec, supervisor)
        answer = Answer()
        return await self._ask(supervisor, StartChild(spec, answer), answer)

    async def terminate_child(self, path: str) -> None:
        """Stop a child and keep its spec, unless it is temporary or dynamic (S50). Fine if it is down already.

        Raises:
            ChildRefused: it did not end.
        """
        supervisor, id = self._locate(path)
        answer = Answer()
        await self._ask(supervisor, TerminateChild(id, answer), answer)

    async def restart_child(self, path: str) -> Any:
        """Start a child that is down (S51); returns what `start_child` does.

        Raises:
            Running: it is up. To restart a child that is up, use `restart`.
            Restarting: a restart is under way.
            StartError: it did not come up; it stays down.
            NotSupported: under a dynamic supervisor.
        """
        supervisor, id = self._locate(path)
        answer = Answer()
        return await self._ask(supervisor, RestartChild(id, answer), answer)

    async def delete_child(self, path: str) -> None:
        """Forget a child that is down (S52).

        Raises:
            Running: it is up.
            Restarting: a restart is under way.
            NotSupported: under a dynamic supervisor.
        """
        supervisor, id = self._locate(path)
        answer = Answer()
        await self._ask(supervisor, DeleteChild(id, answer), answer)

    async def restart(self, path: str) -> Any:
        """Stop a child, wait until it is gone, start it fresh; its siblings as the strategy says.

        It is counted as `manual` and costs nothing. A start that fails, of the child or of one of its group, is
        answered and ends nothing above: that child is held for what it needs, waits if its policy has a delay, or
        stays `failed`; those behind it in the group are started.

        Raises:
            StartError: it, or one of its group, did not come up.
            ChildRefused: it did not end. It is restarted should it end after all.
            NotSupported: it is temporary, so never restarted.
        """
        supervisor, id = self._locate(path)
        answer = Answer()
        return await self._ask(supervisor, RestartNow(id, answer), answer)

    async def pause(self, path: str = "") -> None:
        """Put a child under maintenance, and all below it; empty: all below this supervisor, and itself if it is a child.

        They go on running. One that ends, or waits for its restart, is left down until `resume`: that costs nothing and
        escalates nowhere. A restart by request and one along with a sibling are as ever, but the latter leaves down who
        is down over its maintenance. It belongs to the path: it outlasts restarts of the supervisor above.
        """
        await self._maintain(path, Pause)

    async def resume(self, path: str = "") -> None:
        """End the maintenance of a child and of all below it; those that are down over it are started at once."""
        await self._maintain(path, Resume)

    async def reset(self, path: str = "") -> None:
        """Forgive a child and all below it their failures: streaks, budgets of policies, windows of restarts.

        What is down stays down, and what was counted stays.
        """
        await self._maintain(path, Reset)

    async def replace(self, path: str, spec: AnySpec, *, restart: bool = True) -> Any:
        """Give a child another spec of the same id and kind, and restart it, as `restart` does.

        Every start of it from now on goes by the new spec, also after a restart of a supervisor above. How it is
        stopped and judged goes by it at once. A temporary child, by its old spec or the new one, is not restarted.

        Args:
            path: the child.
            spec: what it is from now on.
            restart: False: leave it as it is until it is started again, for whatever reason.

        Raises:
            SpecError: another id or kind than the child's, or it cannot stand under this supervisor.
            StartError: the first try did not come up.
            ChildRefused: it did not end. It is restarted should it end after all.
        """
        supervisor, id = self._locate(path)
        old = self._child(path).spec
        _check_replaces(spec, old)
        supervisor.machine.spec.check_child(spec)
        _check_fits(spec, supervisor)
        supervisor.amend(spec)
        answer = Answer()
        await self._ask(supervisor, Replace(id, spec, answer), answer)
        if restart and Restart.TEMPORARY not in (old.restart, spec.restart):
            answer = Answer()
            return await self._ask(supervisor, RestartNow(id, answer), answer)
        return None

    def stop(self) -> None:
        """Stop the whole tree in order; the block of `open_supervisor` is cancelled when that is done."""
        self._tree.stop()

    def kill(self) -> None:
        """Stop the whole tree at once, without grace and without order."""
        self._tree.stop(brutal=True)

    # ------------------------------------------------------------------------------------------------ looking

    def which_children(self, path: str = "") -> tuple[ChildInfo, ...]:
        """The children of this supervisor, or of the one at `path`, in start order (S53, D8)."""
        now = self._tree.now()
        return tuple(child_info(child, now) for child in self._supervisor(parts(path)).machine.children.values())

    def count_children(self, path: str = "") -> Counts:
        """How many children it has (S55)."""
        return count_children(self._supervisor(parts(path)).machine.children)

    def child(self, path: str) -> ChildInfo:
        """One child as it is now (S54)."""
        return child_info(self._child(path), self._tree.now())

    def get_childspec(self, path: str) -> AnySpec:
        """The spec of a child; a temporary one has lost its arguments (S56, S60)."""
        return self._child(path).spec

    def running_spec(self) -> SupervisorSpec:
        """The spec of this supervisor with the children that it has now, those that were added later among them.

        For looking: a dynamic supervisor is shown as the one_for_one that it is to its children.
        """
        return self._supervisor(()).running_spec

    def walk(self, *, remembered: bool = False) -> Iterator[ChildInfo]:
        """All children below, each before its own children, in start order.

        Args:
            remembered: those too whose supervisor is down and is going to be started again, as they were.
        """
        return self._supervisor(()).walk(remembered=remembered)

    def budget(self, path: str = "") -> Budget:
        """How much of its restarts this supervisor, or the one at `path`, has used up now (S27)."""
        return budget(self._supervisor(parts(path)).machine, self._tree.now())

    def stack(self, path: str = "") -> ChildStack:
        """Where a worker is: what its tasks await; of a supervisor, or this one, where all workers below it are.

        Only tasks that wait are looked at: it is called in the tree's event loop.
        """
        if not parts(path):
            return stacks_below(self._supervisor(()))
        supervisor, id = self._locate(path)
        self._child(path)
        return stack_of(supervisor, id)

    def supervisor(self, path: str) -> "Supervisor":
        """The handle of a supervisor below this one."""
        below = Supervisor(self._tree, (*self._path, *parts(path)))
        self._supervisor(parts(path))
        return below

    def soon(self, callback: Callable[[], None]) -> None:
        """Have `callback` called in the tree's event loop; this alone may be called from any thread.

        It must not block. What it raises harms nobody: `CallbackFailed` tells it.

        Raises:
            RuntimeError: the event loop has ended.
        """
        self._tree.spawner.soon(partial(self._call_now, callback))

    def _call_now(self, callback: Callable[[], None]) -> None:
        said = call(Role.SOON, "", callback)
        if type(said) is CallFailed:
            self._tree.reporter.call_failed(self.path, said)
            self._tree.reporter.wake()

    def name_contexts(self) -> None:
        """Have the code of children that start from now on know its path, by `otp.runtime.current_child.CHILD`: the log asks."""
        self._tree.names_contexts = True

    def attach(self, hook: EventHook) -> None:
        """Tell `hook` of every event in the tree from now on; see `EventHook`. If it raises, it is detached.

        Raises:
            SpecError: it is no plain function of one argument.
        """
        check_hooks((hook,))
        self._tree.reporter.attach(hook)

    def detach(self, hook: EventHook) -> None:
        """Tell it no more."""
        self._tree.reporter.detach(hook)

    # ------------------------------------------------------------------------------------------------

    async def _ask(self, supervisor: RunningSupervisor, request: Request, answer: Answer) -> Any:
        asked = self._tree.asked
        asked.add(answer)
        try:
            supervisor.feed(request)
            return await answer.wait()
        finally:
            asked.remove(answer)

    async def _maintain(self, path: str, kind: type[Maintenance]) -> None:
        *above, id = (*self._path, *parts(path)) or ("",)
        supervisor = self._running(tuple(above))
        answer = Answer()
        maintenance.announce(supervisor, id, kind)
        maintenance.spread(supervisor, id, kind)
        await self._ask(supervisor, kind(id, answer), answer)

    def _locate(self, path: str) -> tuple[RunningSupervisor, str]:
        *above, id = parts(path) or ("",)
        if not id:
            raise NotSupported(self.path, "this", "the supervisor itself; name one of its children")
        return self._supervisor(tuple(above)), id

    def _child(self, path: str) -> Child:
        supervisor, id = self._locate(path)
        children = supervisor.machine.children
        if id not in children:
            raise NotFound(join(supervisor.machine.path, id), tuple(children))
        return children[id]

    def _supervisor(self, path: tuple[str, ...]) -> RunningSupervisor:
        return self._running((*self._path, *path))

    def _running(self, path: tuple[str, ...]) -> RunningSupervisor:
        """The supervisor at a path below the root."""
        supervisor = self._tree.root
        for id in path:
            below = supervisor.live.get(id)
            where = join(supervisor.machine.path, id)
            if isinstance(below, RunningSupervisor):
                supervisor = below
            elif id not in supervisor.machine.children:
                raise NotFound(where, tuple(supervisor.machine.children))
            elif below is not None:
                raise NotSupported(where, "this", "workers; name a supervisor")
            else:
                raise NoProc(where)
        if supervisor.machine.phase is Phase.DONE or self._tree.broken:
            raise NoProc(supervisor.machine.path)
        return supervisor


def _check_fits(spec: AnySpec, supervisor: RunningSupervisor) -> None:
    """Raise `SpecError` if a child needs more than there is above it, or would make the tree too deep."""
    check_needs(spec, supervisor.declared)
    check_depth(spec, len(parts(supervisor.machine.path)))


def _check_replaces(spec: AnySpec, old: AnySpec) -> None:
    if not is_a(spec, type(old)) or spec.id != old.id:
        kind = "supervisor" if isinstance(old, SupervisorSpec) else "worker"
        name = spec.id if is_a(spec, (ChildSpec, SupervisorSpec)) else ""
        got = f"a {type_name(type(spec)).rpartition('.')[2]} {name!r}"
        raise SpecError(
            f"replace() expects a {kind} {old.id!r} for {old.id!r}, got {got}; a spec changes, a name does not"
        )
