"""A running tree: its root supervisor, what all its supervisors share, its background tasks, and its end."""

from collections.abc import Awaitable, Callable, Iterable, Iterator

import anyio

from otp.core.inputs import Stop
from otp.errors import ChildRefused, NoProc, SupervisionLost
from otp.events import SupervisorExited
from otp.exits import Crashed, Exit, Killed, Refused, Shutdown
from otp.foreign.guard import interrupt_in
from otp.runtime import ports
from otp.runtime.answer import Answer
from otp.runtime.attempt import is_ours
from otp.runtime.dependencies import Dependencies
from otp.runtime.reporter import EventHook, Reporter
from otp.runtime.spawn import Spawner
from otp.runtime.supervisor import RunningSupervisor
from otp.runtime.timers import Timers
from otp.runtime.watchdogs import Watchdogs
from otp.spec import SupervisorSpec


class Tree:
    """One tree from its start to its end.

    Attributes:
        background_tasks: what the tree cannot be without, by name, in the order of their start; they end together.
        settled: set when all children are up, or the tree has ended before that.
        up: all children have been up.
        names_contexts: whether the context variable `CHILD` is set for children that start.
        newest: the incarnation that was started last.
        broken: the supervision itself has failed; all tasks are being ended.
        asked: requests that wait for their answer.
        exit: how the root ended; None until then.
        gone: set when the tree has ended and none of its tasks is left.
    """

    def __init__(self, spec: SupervisorSpec, spawner: Spawner, hooks: Iterable[EventHook]) -> None:
        self.spawner = spawner
        self.now = spawner.now
        self.reporter = Reporter(spec.id, spawner.now, hooks, self.interrupt, self._is_starting)
        self.timers: ports.Timers = Timers(spawner.now)
        self.watchdogs: ports.Watchdogs = Watchdogs(spawner.now, self.reporter)
        self.dependencies: ports.Dependencies = Dependencies(spawner.now, self.reporter)
        self.background_tasks: tuple[tuple[str, ports.BackgroundTask], ...] = (
            ("timers", self.timers),
            ("watchdogs", self.watchdogs),
            ("reporter", self.reporter),
            ("dependencies", self.dependencies),
        )
        self.root = RunningSupervisor(self, spec, 1)
        self.settled = anyio.Event()
        self.gone = anyio.Event()
        self.exit: Exit | None = None
        self.up = False
        self.names_contexts = False
        self.newest: ports.RunningChild | None = None
        self.broken = False
        self.asked: set[Answer] = set()
        self._body: anyio.CancelScope | None = None
        self._failure: BaseException | None = None

    def stop(self, *, brutal: bool = False) -> None:
        """Stop in order, or all at once if `brutal`. Nothing happens to a tree that has ended."""
        self.root.feed(Stop(Killed() if brutal else Shutdown(), brutal))

    def interrupt(self, interrupt: BaseException) -> None:
        """Ctrl-C or `sys.exit` was raised in one of the tasks: stop in order, then raise it to the opener of the tree."""
        if self._failure is None:
            self._failure = interrupt
        self.stop()

    def break_down(self, bug: BaseException) -> None:
        """The supervision itself failed: end all tasks, then raise the error to the opener of the tree."""
        if self.broken:  # the first failure is the reason
            return
        if self._failure is None:
            self._failure = bug
        self.broken = True
        for child in tuple(self.workers()):
            child.kill()
        for answer in self.asked:
            answer.give(NoProc(self.root.machine.path))
        if self.exit is None:
            exit = Crashed(bug)
            self.reporter.put(SupervisorExited(path=self.root.machine.path, at=self.now(), exit=exit))
            self.reporter.wake()
            self.ended(exit)

    def cancel_when_ended(self, body: anyio.CancelScope) -> None:
        """Cancel the scope of the block that opened the tree as soon as the tree has ended."""
        self._body = body
        if self.exit is not None:
            body.cancel()

    def started(self) -> None:
        """All children are up."""
        self.up = True
        self.settled.set()

    def ended(self, exit: Exit) -> None:
        """The root has ended."""
        if self.exit is None:
            self.exit = exit
        self.settled.set()
        if self._body is not None:
            self._body.cancel()
        self.check_gone()

    def check_gone(self) -> None:
        """Set `gone` if the root has ended, and no task is left that refused to stop."""
        if self.exit is not None and next(self.workers(), None) is None:
            self.gone.set()

    def failure(self) -> BaseException | None:
        """What to raise to the opener of the tree: why it gave up; None for an end in order."""
        if self._failure is not None:
            return self._failure
        match self.exit:
            case Crashed(error=error):
                return error
            case Refused(paths=paths):
                return ChildRefused(paths)
            case _:
                return None

    def workers(self) -> Iterator[ports.RunningChild]:
        """The workers that run, including those that refused to stop."""
        return _workers(self.root)

    async def run_background(self, task: str, run: Callable[[], Awaitable[object]]) -> None:
        """Run a task that the tree cannot be without. If it ends before the tree, the tree breaks down loudly.

        Args:
            task: its name, for the error.
            run: ends only when we cancel it; any other end is too early.
        """
        lost: BaseException
        try:
            await run()
            lost = self._lost(task, "came to an end")
        except BaseException as error:  # also a foreign cancellation: asyncio lets any code cancel any task
            if is_ours(error):
                raise
            how = (
                "failed" if isinstance(error, Exception) else f"was ended by a {type(error).__name__} that is not ours"
            )
            lost = interrupt_in(error) or self._lost(task, how, error)
        if not self.gone.is_set():
            self.break_down(lost)
            self.reporter.deliver()  # the reporter may be the task that has ended

    def _lost(self, task: str, how: str, cause: BaseException | None = None) -> SupervisionLost:
        lost = SupervisionLost(self.root.machine.path, task, how)
        if cause is not None:
            lost.__cause__ = cause
        return lost

    def _is_starting(self) -> bool:
        return self.newest is not None and not self.newest.begun


def _workers(supervisor: RunningSupervisor) -> Iterator[ports.RunningChild]:
    for child in supervisor.live.values():
        if isinstance(child, RunningSupervisor):
            yield from _workers(child)
        else:
            yield child
