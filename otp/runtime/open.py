"""`open_supervisor`: a tree inside a program of yours.

Which task runs what, and why a cancellation from outside never reaches the children all at once:

1. A host task, shielded, owns the tree: its children's tasks and its background tasks.
2. The block runs in the caller's task, which is not shielded. A cancelled scope around it, a `task.cancel()` or an
   exception ends the block; then the tree is stopped, in order.
3. The caller waits, shielded, until the tree is gone, and only then lets the cancellation or the exception go on.
4. If the tree ends first, the block is cancelled, and the reason is raised in its place.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from otp.checks.values import is_a
from otp.errors import SpecError, StartError
from otp.foreign.causes import tame
from otp.runtime.handle import Supervisor
from otp.runtime.reporter import EventHook, check_hooks
from otp.runtime.spawn import open_spawner
from otp.runtime.tree import Tree
from otp.spec import SupervisorSpec, check_needs
from otp.text.quoting import type_name


@asynccontextmanager
async def open_supervisor(spec: SupervisorSpec, *, hooks: Iterable[EventHook] = ()) -> AsyncGenerator[Supervisor]:
    """Run a tree for as long as the block runs.

    The block begins when all children are up. When it ends, by return, exception or cancellation, the children are
    stopped in reverse order. If the tree ends
    first, the block is cancelled; so a block that only keeps the tree running is `await anyio.sleep_forever()`.

    Args:
        spec: the tree.
        hooks: called with every event; see `EventHook`.

    Raises:
        SpecError: `spec` is not a tree, or a hook is no plain function of one argument.
        StartError: a child did not come up; those before it have been stopped again (S13).
        IntensityReached: the tree gave up.
        SupervisionLost: a background task of the tree was ended from outside, for instance by a library that cancels all
            tasks of asyncio.
        ChildRefused: a child did not end when it was stopped. Raised only once it has ended after all, for a task
            cannot be abandoned; the event `ChildRefused` comes at once.
    """
    if not is_a(spec, SupervisorSpec):
        raise SpecError(
            f"open_supervisor() expects a tree, got a {type_name(type(spec)).rpartition('.')[2]}; "
            "write open_supervisor(supervisor(id, children=[…]))"
        )
    async with open_tree(spec, hooks) as tree:
        tree.root.begin()
        await tree.settled.wait()
        if tree.exit is not None and not tree.up:
            failure = tree.failure()
            if failure is None:
                failure = StartError(tree.root.machine.path, f"it ended while it was starting: {tree.exit}")
            try:
                raise failure
            finally:
                del failure
        with anyio.CancelScope() as body:
            tree.cancel_when_ended(body)
            yield Supervisor(tree)


@asynccontextmanager
async def open_tree(spec: SupervisorSpec, hooks: Iterable[EventHook]) -> AsyncGenerator[Tree]:
    """Open a tree without starting a child, for a block that has to be able to stop the tree while it starts.

    The block calls `tree.root.begin()`, and `tree.cancel_when_ended` if it wants that. When it is left, the tree is stopped
    as by `open_supervisor`.

    Raises:
        SpecError: no supervisor above a child declares what it needs, or a hook is no plain function of one argument.
    """
    check_needs(spec)
    hooks = check_hooks(hooks)
    failure: BaseException | None = None
    async with anyio.create_task_group() as outer:
        tree = await _open_host(outer, spec, hooks)
        raised: BaseException | None = None
        try:
            yield tree
        except BaseException as error:  # noqa: BLE001 # raised again below, once the tree is gone
            raised = error
        interrupted = await _stop(tree)
        failure = _outcome(tree, raised, interrupted)
        del raised, interrupted
    if failure is not None:
        try:
            raise failure
        finally:
            del failure


def _outcome(tree: Tree, raised: BaseException | None, interrupted: BaseException | None) -> BaseException | None:
    """What to raise: an interrupt in a child, else a cancellation during the stop, else what the block raised."""
    failure = tree.failure()
    if failure is not None and not issubclass(type(failure), Exception):
        return tame(failure)
    if interrupted is not None:
        interrupted.__context__ = raised
    # Compared with None: the truth value of an exception is foreign code.
    outcome = next((one for one in (interrupted, raised, failure) if one is not None), None)
    return tame(outcome) if outcome is not None else None


async def _open_host(outer: TaskGroup, spec: SupervisorSpec, hooks: tuple[EventHook, ...]) -> Tree:
    """Start the host task and wait until it has opened the tree.

    Why not `TaskGroup.start`: cancelled at this moment, it cancels the host and waits for it; but the host is shielded
    and waits for a tree that is never stopped. So while nothing has been started, the host is ended by its own scope.
    """
    host, opened = anyio.CancelScope(shield=True), anyio.Event()
    trees: list[Tree] = []

    def take(tree: Tree) -> None:
        trees.append(tree)
        opened.set()

    outer.start_soon(_host, spec, hooks, host, take)
    try:
        await opened.wait()
    except BaseException:
        host.cancel()
        raise
    return trees[0]


async def _host(
    spec: SupervisorSpec, hooks: tuple[EventHook, ...], host: anyio.CancelScope, on_open: Callable[[Tree], None]
) -> None:
    with host:
        async with open_spawner() as spawner, anyio.create_task_group() as background:
            tree = Tree(spec, spawner, hooks)
            for name, task in tree.background_tasks:
                background.start_soon(tree.run_background, name, task.run)
            on_open(tree)
            while not tree.gone.is_set():
                await tree.run_background("host", tree.gone.wait)
            tree.reporter.deliver()
            background.cancel_scope.cancel()


async def _stop(tree: Tree) -> BaseException | None:
    """Stop the tree and wait until it is gone; returns a cancellation that came meanwhile.

    A shield does not hold off asyncio's own `task.cancel()`: it is noted, and the stop goes on.
    """
    interrupted: BaseException | None = None
    tree.stop()
    with anyio.CancelScope(shield=True):
        while not tree.gone.is_set():
            try:
                await tree.gone.wait()
            except anyio.get_cancelled_exc_class() as error:
                interrupted = error
    return interrupted
