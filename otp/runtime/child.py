"""One incarnation of a worker, in a task of its own."""

from asyncio import CancelledError
from collections.abc import Coroutine
from types import FrameType
from typing import Any

from otp.core.inputs import Exited, Ignored, Started, StartFailed
from otp.errors import ExitShutdown, Ignore
from otp.exits import Crashed, Exit, Killed, Normal, Shutdown
from otp.foreign.causes import leaves, tame
from otp.foreign.guard import interrupt_in
from otp.runtime import ports
from otp.runtime.crash import message_of
from otp.runtime.current_child import CHILD
from otp.runtime.stack import ChildStack, await_chain, tasks_below
from otp.spec import ChildSpec

_NORMAL = Normal()
_SHUTDOWN = Shutdown()
_KILLED = Killed()
_IGNORED = Shutdown("ignored")


class TaskChild:
    """A `RunningChild`: a worker's task in its own cancel scope. Its last act hands its exit to its supervisor.

    What a cancellation means is decided by what was requested, not by its type: a worker that was asked to stop has
    obeyed, any other has crashed.

    Attributes:
        coroutine: what the task runs; None before its start and after its end.
    """

    __slots__ = (
        "_interrupted",
        "_owner",
        "_ready",
        "_requested",
        "_scope",
        "_spec",
        "_task",
        "_watch",
        "coroutine",
        "generation",
        "id",
        "path",
    )

    def __init__(self, owner: ports.Supervisor, spec: ChildSpec, generation: int) -> None:
        self.id = spec.id
        self.generation = generation
        self._owner = owner
        self._spec: ChildSpec | None = spec
        self._scope = owner.tree.spawner.new_scope()
        self._ready = not spec.ready
        self._requested: Exit | None = None  # what a cancellation means, once it was asked to stop or killed
        self._interrupted = False
        watchdog = spec.watchdog
        self._watch = None if watchdog is None else owner.tree.watchdogs.watch(owner, self, watchdog)
        self.coroutine: Coroutine[Any, Any, None] | None = None
        self._task: object = None  # held here: an event loop keeps only weak references

    def start(self, path: str) -> None:
        """Start the task.

        Args:
            path: of the child, from the root of the tree.
        """
        self.path = path
        tree, watch = self._owner.tree, self._watch
        self.coroutine = coroutine = self._run()
        if watch is None:
            self._task = tree.spawner.spawn(coroutine, path, self)
            return
        self._task = tree.spawner.spawn(coroutine, path, self, watch.pulse)
        if self._ready:
            watch.begin()

    def stop(self) -> None:
        """Ask it to end: cancel it once. Its exit comes back as an input."""
        if self._requested is None:
            self._requested = _SHUTDOWN
        if not self._is_over_by_interrupt():
            record = self._owner.machine.children.get(self.id)
            spec = record.spec if record is not None else None
            if isinstance(spec, ChildSpec) and spec.cancel == "scope":
                self._scope.cancel()
            else:
                self._owner.tree.spawner.stop(self._scope)

    def kill(self) -> None:
        """Cancel its scope, again and again; a task that does not end then cannot be ended (D7: no kill in-process)."""
        self._requested = _KILLED
        if not self._is_over_by_interrupt():
            self._scope.cancel()

    def _is_over_by_interrupt(self) -> bool:
        """Whether Ctrl-C or `sys.exit` ended it before this request: then its exit is handed over now."""
        if self._interrupted:
            self._owner.ended(self.id, self, Exited(self.id, self.generation, _SHUTDOWN))
        elif self.begun:
            self._owner.tree.spawner.begun(self._task, self)
        return self._interrupted

    def started(self, value: object = None) -> None:
        """`task_status.started`: the worker is up, and gives this value."""
        if self._ready:
            raise RuntimeError(f"{self.id}: task_status.started() was called a second time")
        self._ready = True
        self._owner.feed(Started(self.id, self.generation, value))
        if self._watch is not None:
            self._watch.begin()

    @property
    def begun(self) -> bool:
        """Whether its first line has run."""
        return self._spec is None

    def chain(self) -> tuple[str, ...]:
        """What the worker awaits, outermost first, without the steps that are ours."""
        return await_chain(self.coroutine)[1:]

    def stack(self) -> ChildStack:
        """What the worker and the tasks that it has started await."""
        return ChildStack(path=self.path, chain=self.chain(), tasks=tuple(tasks_below(self.coroutine)))

    def __call__(self, _: object) -> None:
        """Called by asyncio when the task is finished. If its last line never ran, it was cancelled before its first one."""
        if self._owner.live.get(self.id) is self and not self._interrupted:
            self._end_watch()
            exit = Crashed(CancelledError())
            event = Exited(self.id, self.generation, exit) if self._ready else self._not_up(exit)
            self._owner.ended(self.id, self, event)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()

    async def _run(self) -> None:
        exit: Exit = _SHUTDOWN  # default: we cancelled it
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
                    exit = Shutdown(message_of(shutdown))
                except Exception as error:  # noqa: BLE001 # whatever ends a child, its supervisor decides what follows
                    exit = Crashed(error)
                except BaseException as error:  # noqa: BLE001 # the scope walks it, so it has to have an end
                    raise tame(error)  # noqa: B904 # mostly itself
            if exit is _SHUTDOWN and self._requested is not None:
                exit = self._requested
        except BaseException as error:  # noqa: BLE001 # also a foreign cancellation
            if (interrupt := interrupt_in(error)) is not None:
                self._interrupt(interrupt)
                return
            exit = self._requested if self._requested is not None and _is_cancellation(error) else Crashed(error)
        self.coroutine = None
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
        """Ctrl-C or `sys.exit` was raised in this task: stop the whole tree in order.

        This child is over, but counts as up until its turn to stop: so it is not restarted in between.
        """
        self.coroutine = None
        self._end_watch()
        self._interrupted = True
        asked = self._requested is not None
        self._owner.tree.interrupt(interrupt)
        if asked:  # its turn to stop has come already
            self.stop()


def child_of(coroutine: object) -> TaskChild | None:
    """The child whose task runs this coroutine, if any; may be called in any thread."""
    frame: FrameType | None = getattr(coroutine, "cr_frame", None)
    return child_in(frame) if frame is not None else None


def child_in(frame: FrameType) -> TaskChild | None:
    """The child whose task's outermost frame this is, if any; may be called in any thread."""
    return frame.f_locals.get("self") if frame.f_code is _RUN else None


_RUN = TaskChild._run.__code__  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # of this very module


def _is_cancellation(error: BaseException) -> bool:
    """Whether it consists of cancellations only, alone or in groups."""
    return all(issubclass(type(one), CancelledError) for one in leaves(error))
