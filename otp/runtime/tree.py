"""A running tree: its root, and what all its supervisors share: spawner, timers, reporter, and how it ends."""

from collections.abc import Iterable, Iterator

import anyio

from otp.core.inputs import Stop
from otp.errors import ChildRefused, NoProc
from otp.events import SupervisorExited
from otp.exits import Crashed, Exit, Killed, Refused, Shutdown
from otp.runtime.answer import Answer
from otp.runtime.child import TaskChild
from otp.runtime.dependencies import Dependencies
from otp.runtime.reporter import EventHook, Reporter
from otp.runtime.spawn import Spawner
from otp.runtime.supervisor import RunningSupervisor
from otp.runtime.timers import Timers
from otp.runtime.watchdogs import Watchdogs
from otp.spec import SupervisorSpec

__all__ = ("Tree",)


class Tree:
    """One tree from its start to its end.

    Attributes:
        settled: it is up, or has ended before.
        up: all children have been up.
        names_contexts: the code of a child can tell whose it is.
        newest: the incarnation that was started last.
        broken: the supervision itself has failed; only ending is left.
        asked: requests that wait for their answer.
        exit: how its root ended; None until then.
        gone: it has ended and no task of it is left.
    """

    def __init__(self, spec: SupervisorSpec, spawner: Spawner, hooks: Iterable[EventHook]) -> None:
        self.spawner = spawner
        self.now = spawner.now
        self.timers = Timers(spawner.now)
        self.watchdogs = Watchdogs(spawner.now)
        self.reporter = Reporter(spec.id, spawner.now, hooks, self.interrupt, self._is_starting)
        self.dependencies = Dependencies(spawner.now, self.reporter)
        self.root = RunningSupervisor(self, spec, 1)
        self.settled = anyio.Event()
        self.gone = anyio.Event()
        self.exit: Exit | None = None
        self.up = False
        self.names_contexts = False
        self.newest: TaskChild | None = None
        self.broken = False
        self.asked: set[Answer] = set()
        self._body: anyio.CancelScope | None = None
        self._failure: BaseException | None = None

    def stop(self, *, brutal: bool = False) -> None:
        """Stop in order, or all at once. Nothing happens to a tree that has ended."""
        self.root.feed(Stop(Killed() if brutal else Shutdown(), brutal))

    def interrupt(self, interrupt: BaseException) -> None:
        """Ctrl-C or `sys.exit` hit one of the tasks: stop in order, then let it go on upwards."""
        if self._failure is None:
            self._failure = interrupt
        self.stop()

    def break_down(self, bug: BaseException) -> None:
        """The supervision itself failed: end all tasks, and let the error go on upwards."""
        if self.broken:  # what failed first is the reason
            return
        if self._failure is None:
            self._failure = bug
        self.broken = True
        for child in tuple(self._tasks(self.root)):
            child.kill()
        for answer in self.asked:
            answer.give(NoProc(self.root.machine.path))
        if self.exit is None:
            exit = Crashed(bug)
            self.reporter.put(SupervisorExited(path=self.root.machine.path, at=self.now(), exit=exit))
            self.reporter.wake()
            self.ended(exit)

    def cancel_when_ended(self, body: anyio.CancelScope) -> None:
        """Cancel the block that the tree was opened for when the tree ends before it."""
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
        self.look_for_the_end()

    def look_for_the_end(self) -> None:
        """After the root has ended: is a task left that refused to stop?"""
        if self.exit is not None and next(self._tasks(self.root), None) is None:
            self.gone.set()

    def failure(self) -> BaseException | None:
        """What whoever opened the tree should know: why it gave up; None for an end in order."""
        if self._failure is not None:
            return self._failure
        match self.exit:
            case Crashed(error=error):
                return error
            case Refused(paths=paths):
                return ChildRefused(paths)
            case _:
                return None

    def tasks(self) -> Iterator[TaskChild]:
        """Its workers whose tasks run, those that refused to stop among them."""
        return self._tasks(self.root)

    def _is_starting(self) -> bool:
        return self.newest is not None and not self.newest.begun

    def _tasks(self, supervisor: RunningSupervisor) -> Iterator[TaskChild]:
        for child in supervisor.live.values():
            if isinstance(child, TaskChild):
                yield child
            else:
                yield from self._tasks(child)
