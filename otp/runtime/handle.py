"""The handle of a running supervisor: requests to it, and views of it, by path."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from otp.checks.values import is_a
from otp.core import inputs
from otp.core.child import Child
from otp.core.paths import join, parts
from otp.core.plan import Phase
from otp.errors import NoProc, NotFound, NotSupported, SpecError
from otp.foreign.guard import CallFailed, Role, call
from otp.runtime import maintenance
from otp.runtime.answer import Answer
from otp.runtime.inspect import Budget, ChildInfo, Counts, budget, child_info, count_children
from otp.runtime.reporter import EventHook, check_hooks
from otp.runtime.stack import ChildStack
from otp.runtime.supervisor import RunningSupervisor
from otp.runtime.tree import Tree
from otp.spec import AnySpec, ChildSpec, Restart, SupervisorSpec, check_depth, check_needs
from otp.text.quoting import type_name


class Supervisor:
    """A supervisor of a running tree, named by its path; it stays valid when that supervisor is restarted.

    Children are named by their path from here: `"ws_worker"`, `"workers/ws_worker"`. All methods raise `NoProc` when
    the supervisor that they need is not running, and `NotFound` for an unknown child.
    """

    def __init__(self, tree: Tree, path: tuple[str, ...] = ()) -> None:
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
        return await self._ask(supervisor, inputs.StartChild, spec)

    async def terminate_child(self, path: str) -> None:
        """Stop a child and keep its spec, unless it is temporary or dynamic (S50). Fine if it is down already.

        Raises:
            ChildRefused: it did not end.
        """
        supervisor, id = self._locate(path)
        await self._ask(supervisor, inputs.TerminateChild, id)

    async def restart_child(self, path: str) -> Any:
        """Start a child that is down (S51); returns what `start_child` does.

        Raises:
            Running: it is up. To restart a child that is up, use `restart`.
            Restarting: a restart is under way.
            StartError: it did not come up; it stays down.
            NotSupported: under a dynamic supervisor.
        """
        supervisor, id = self._locate(path)
        return await self._ask(supervisor, inputs.RestartChild, id)

    async def delete_child(self, path: str) -> None:
        """Forget a child that is down (S52).

        Raises:
            Running: it is up.
            Restarting: a restart is under way.
            NotSupported: under a dynamic supervisor.
        """
        supervisor, id = self._locate(path)
        await self._ask(supervisor, inputs.DeleteChild, id)

    async def restart(self, path: str) -> Any:
        """Stop a child, wait until it is gone, and start it anew, with those siblings that the strategy takes along.

        It is counted as `manual` and costs nothing. If a start fails, of the child or of one of its group, the error is
        raised here and nothing above ends: that child is held for what it needs, waits if its policy has a delay, or
        stays `failed`; the rest of the group is started.

        Raises:
            StartError: it, or one of its group, did not come up.
            ChildRefused: it did not end. It is restarted should it end after all.
            NotSupported: it is temporary, so never restarted.
        """
        supervisor, id = self._locate(path)
        return await self._ask(supervisor, inputs.RestartNow, id)

    async def pause(self, path: str = "") -> None:
        """Put a child under maintenance, and all below it; empty: all below this supervisor, and itself if it is a child.

        They go on running. A child that ends, or waits for its restart, is left down until `resume`; that costs nothing
        and does not escalate. Restarts by request and along with a sibling still happen, but the latter leave a child
        down that is down over maintenance. Maintenance belongs to the path: it outlasts restarts of the supervisor above.
        """
        await self._maintain(path, inputs.Pause)

    async def resume(self, path: str = "") -> None:
        """End the maintenance of a child and of all below it; children that are down over it are started at once."""
        await self._maintain(path, inputs.Resume)

    async def reset(self, path: str = "") -> None:
        """Clear the streaks, policy budgets and restart windows of a child and of all below it.

        Children that are down stay down, and counters stay.
        """
        await self._maintain(path, inputs.Reset)

    async def replace(self, path: str, spec: AnySpec, *, restart: bool = True) -> Any:
        """Give a child another spec of the same id and kind, and restart it, as `restart` does.

        The new spec applies at once to how the child is stopped and how its failures are judged, and to every later start,
        also after a restart of a supervisor above. A child that is temporary by either spec is not restarted.

        Args:
            path: the child.
            spec: what it is from now on.
            restart: False: do not restart it now; the new spec is used at its next start.

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
        await self._ask(supervisor, inputs.Replace, id, spec)
        if restart and Restart.TEMPORARY not in (old.restart, spec.restart):
            return await self._ask(supervisor, inputs.RestartNow, id)
        return None

    def stop(self) -> None:
        """Stop the whole tree in order; the block of `open_supervisor` is cancelled when that is done."""
        self._tree.stop()

    def kill(self) -> None:
        """Stop the whole tree at once, without grace and without order."""
        self._tree.stop(brutal=True)

    # ------------------------------------------------------------------------------------------------ views

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
        """The spec of this supervisor with the children that it has now, including those added later.

        A view, not for starting: a dynamic supervisor appears as one_for_one.
        """
        return self._supervisor(()).running_spec

    def walk(self, *, remembered: bool = False) -> Iterator[ChildInfo]:
        """All children below, each before its own children, in start order.

        Args:
            remembered: include the last state of children whose supervisor is down and will be started again.
        """
        return self._supervisor(()).walk(remembered=remembered)

    def budget(self, path: str = "") -> Budget:
        """The restart window of this supervisor, or of the one at `path` (S27: restarts within the period)."""
        return budget(self._supervisor(parts(path)).machine, self._tree.now())

    def stack(self, path: str = "") -> ChildStack:
        """What a worker's tasks await; of a supervisor, or by default this one, that of all workers below it.

        Call it in the tree's event loop, so every task but the caller's waits.
        """
        if not parts(path):
            return self._supervisor(()).stack()
        supervisor, id = self._locate(path)
        self._child(path)
        return supervisor.stack_of(id)

    def supervisor(self, path: str) -> "Supervisor":
        """The handle of a supervisor below this one."""
        below = Supervisor(self._tree, (*self._path, *parts(path)))
        self._supervisor(parts(path))
        return below

    def soon(self, callback: Callable[[], None]) -> None:
        """Call `callback` soon in the tree's event loop. This method alone may be called from any thread.

        The callback must not block. If it raises, the event `CallbackFailed` tells it, and the tree goes on.

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
        """Set `otp.runtime.current_child.CHILD` in the context of children that start from now on; the log needs it."""
        self._tree.names_contexts = True

    def attach(self, hook: EventHook) -> None:
        """Call `hook` with every event of the tree from now on; see `EventHook`. A hook that raises is detached.

        Raises:
            SpecError: it is no plain function of one argument.
        """
        check_hooks((hook,))
        self._tree.reporter.attach(hook)

    def detach(self, hook: EventHook) -> None:
        """Stop calling `hook`."""
        self._tree.reporter.detach(hook)

    # ------------------------------------------------------------------------------------------------

    async def _ask(self, supervisor: RunningSupervisor, request: Callable[..., inputs.Request], *args: object) -> Any:
        answer, asked = Answer(), self._tree.asked
        asked.add(answer)
        try:
            supervisor.feed(request(*args, answer))
            return await answer.wait()
        finally:
            asked.remove(answer)

    async def _maintain(self, path: str, kind: type[inputs.Maintenance]) -> None:
        *above, id = (*self._path, *parts(path)) or ("",)
        supervisor = self._running(tuple(above))
        maintenance.announce(supervisor, id, kind)
        maintenance.spread(supervisor, id, kind)
        await self._ask(supervisor, kind, id)

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
