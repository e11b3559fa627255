"""One incarnation of a worker, in a task of its own."""

from asyncio import CancelledError
from collections.abc import Coroutine
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from otp.core.inputs import Exited, Ignored, Started, StartFailed
from otp.errors import ExitShutdown, Ignore
from otp.exits import Crashed, Exit, Killed, Normal, Shutdown
from otp.runtime.redaction import clean
from otp.runtime.whose import CHILD
from otp.spec import ChildSpec

if TYPE_CHECKING:
    from otp.runtime.supervisor import RunningSupervisor

__all__ = ("TaskChild", "child_of")

_NORMAL = Normal()
_SHUTDOWN = Shutdown()
_KILLED = Killed()
_IGNORED = Shutdown("ignored")


class TaskChild:
    """A worker's task, inside its own cancel scope. Its last act is to tell its supervisor how it ended.

    A cancellation is ours when our own scope caught it, whatever the type of the exception; one that we did not ask
    for is a crash.
    """

    __slots__ = (
        "_coroutine",
        "_interrupted",
        "_killed",
        "_owner",
        "_ready",
        "_scope",
        "_spec",
        "_task",
        "_watch",
        "generation",
        "id",
        "path",
    )

    def __init__(self, owner: "RunningSupervisor", spec: ChildSpec, generation: int) -> None:
        self.id = spec.id
        self.generation = generation
        self._owner = owner
        self._spec: ChildSpec | None = spec
        self._scope = owner.tree.spawner.new_scope()
        self._ready = not spec.ready
        self._killed = False
        self._interrupted = False
        watchdog = spec.watchdog
        self._watch = None if watchdog is None else owner.tree.watchdogs.watch(owner, self, watchdog)
        self._coroutine: Coroutine[Any, Any, None] | None = None
        self._task: object = None  # held here: an event loop keeps only weak references

    def start(self, path: str) -> None:
        """Start the task.

        Args:
            path: of the child, from the root of the tree.
        """
        self.path = path
        tree, watch = self._owner.tree, self._watch
        self._coroutine = coroutine = self._run()
        if watch is None:
            self._task = tree.spawner.spawn(coroutine, path, self)
            return
        self._task = tree.spawner.spawn(coroutine, path, self, watch.pulse)
        if self._ready:
            tree.watchdogs.begin(watch)

    def stop(self) -> None:
        """Ask it to end: cancel it. How it ended comes back as an input."""
        if self._interrupted:
            self._owner.ended(self.id, self, Exited(self.id, self.generation, _SHUTDOWN))
        else:
            if self.begun:
                self._owner.tree.spawner.begun(self._task, self)
            self._scope.cancel()

    def kill(self) -> None:
        """The same without grace; a task that does not end then cannot be ended (D7)."""
        self._killed = True
        self.stop()

    def started(self, value: object = None) -> None:
        """What the worker calls when it is up (`task_status.started`)."""
        if self._ready:
            raise RuntimeError(f"{self.id}: task_status.started() was called a second time")
        self._ready = True
        self._owner.feed(Started(self.id, self.generation, value))
        if self._watch is not None:
            self._owner.tree.watchdogs.begin(self._watch)

    @property
    def begun(self) -> bool:
        """Whether its first line has run."""
        return self._spec is None

    @property
    def coroutine(self) -> Coroutine[Any, Any, None] | None:
        """What runs, for looking at; None when it has not begun or is over."""
        return self._coroutine

    def __call__(self, _: object) -> None:
        """The task is over, says asyncio. If its last line never ran, somebody cancelled it before its first."""
        if self._owner.live.get(self.id) is self and not self._interrupted:
            self._end_watch()
            exit = Crashed(CancelledError())
            event = Exited(self.id, self.generation, exit) if self._ready else self._not_up(exit)
            self._owner.ended(self.id, self, event)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._owner.tree.watchdogs.end(self._watch)

    async def _run(self) -> None:
        exit: Exit = _SHUTDOWN  # that it stays if our own scope ends the worker
        if self._owner.tree.names_contexts:
            CHILD.set(self.path)
        spec, self._spec = self._spec, None
        assert spec is not None, "an incarnation runs once"
        try:
            with self._scope:
                try:
                    work = spec.run(*spec.args, task_status=self) if spec.ready else spec.run(*spec.args)
                    del spec  # the arguments are the worker's own from here on (S60)
                    await work
                    exit = _NORMAL
                except Ignore as ignore:
                    exit = Crashed(ignore) if self._ready else _IGNORED
                except ExitShutdown as shutdown:
                    exit = Shutdown(clean(str(shutdown)))
                except Exception as error:  # noqa: BLE001 # whatever ends a child, its supervisor decides what follows
                    exit = Crashed(error)
            if exit is _SHUTDOWN and self._killed:
                exit = _KILLED
        except BaseException as error:  # noqa: BLE001 # also a cancellation that we did not ask for
            if (interrupt := _interrupt_in(error)) is not None:
                self._interrupt(interrupt)
                return
            exit = Crashed(error)
        self._coroutine = None
        if self._watch is not None:
            self._end_watch()
        event = Exited(self.id, self.generation, exit) if self._ready else self._not_up(exit)
        self._owner.ended(self.id, self, event)
        # The traceback of the error holds this frame: without the names in it there is no cycle for the collector.
        del exit, event

    def _not_up(self, exit: Exit) -> StartFailed | Ignored:
        if exit is _IGNORED:
            return Ignored(self.id, self.generation)
        return StartFailed(self.id, self.generation, exit)

    def _interrupt(self, interrupt: BaseException) -> None:
        """Ctrl-C or `sys.exit` reached this task: the whole tree stops in order.

        This child is over, but counts as up until its turn to stop comes: so it is not restarted in between.
        """
        self._coroutine = None
        self._end_watch()
        self._interrupted = True
        asked = self._scope.cancel_called
        self._owner.tree.interrupt(interrupt)
        if asked:  # its turn has come already
            self.stop()


def child_of(coroutine: object) -> TaskChild | None:
    """The child whose task runs this coroutine, if it is one's: told from whatever thread."""
    frame: FrameType | None = getattr(coroutine, "cr_frame", None)
    child = frame.f_locals.get("self") if frame is not None and frame.f_globals is globals() else None
    return child if isinstance(child, TaskChild) else None


def _interrupt_in(error: BaseException) -> BaseException | None:
    """The `KeyboardInterrupt` or `SystemExit` that `error` is, or that its group holds."""
    if isinstance(error, Exception):
        return None
    if isinstance(error, BaseExceptionGroup):
        parts = cast("BaseExceptionGroup[BaseException]", error).exceptions
        return next(filter(None, map(_interrupt_in, parts)), None)
    return error if isinstance(error, KeyboardInterrupt | SystemExit) else None
