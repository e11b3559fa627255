"""The background tasks that a tree cannot be without: its timers, watchdogs, dependencies, its reporter, its host."""

from collections.abc import Awaitable, Callable

from otp.errors import SupervisionLost
from otp.foreign.guard import interrupt_in
from otp.runtime.attempt import is_ours
from otp.runtime.tree import Tree

__all__ = ("keep",)


async def keep(tree: Tree, task: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run one until the tree is gone. If it ends before that, the tree breaks down, and says so: it never goes on deaf.

    Args:
        tree: whose task it is.
        task: what it is, for the error.
        run: ends when it is cancelled by us; however else it ends, it has ended too early.
    """
    lost: BaseException
    try:
        await run()
        lost = SupervisionLost(tree.root.machine.path, task, "came to an end")
    except BaseException as error:  # also a cancellation by somebody else: asyncio lets everybody cancel
        if is_ours(error):
            raise
        lost = interrupt_in(error) or _lost(tree, task, error)
    if not tree.gone.is_set():
        tree.break_down(lost)
        tree.reporter.deliver()  # the reporter may be the one that has ended


def _lost(tree: Tree, task: str, error: BaseException) -> SupervisionLost:
    how = "failed" if isinstance(error, Exception) else f"was ended by a {type(error).__name__} that is not ours"
    lost = SupervisionLost(tree.root.machine.path, task, how)
    lost.__cause__ = error
    return lost
