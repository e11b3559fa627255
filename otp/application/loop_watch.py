"""The loop watch: a thread that detects a blocked event loop, and names the child or function whose call blocks it.

1. The thread pings the event loop a few times a second.
2. A child makes a call that does not return: no ping is answered, and no hook, timer or signal of the tree is either.
3. After `threshold` seconds the thread reads the stack of the loop's thread. The innermost frame of ours says whose call
   it is: that of the guard around a function of the program, of a supervisor that decides (often in the last step of a
   child, which is not to blame), or of a child. If there is none, the tasks above the running one say it. The thread
   calls its listeners, the log among them, and leaves the event to the loop for all other hooks.
4. The loop turns again: the ping is answered, and the hooks get the events in their order.

A call into C that keeps the interpreter's lock stops this thread too: it shows in `lag` only, after the fact.
"""

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Thread, get_ident
from time import monotonic
from types import FrameType
from typing import NamedTuple

from otp.events import LoopBlocked, LoopFreed
from otp.foreign.guard import CallFailed, Role, call, calling, guards
from otp.observe.logger import logger
from otp.runtime.child import TaskChild, child_in, child_of
from otp.runtime.crash import describe
from otp.runtime.inspect import Lag
from otp.runtime.supervisor import supervisor_in
from otp.runtime.tree import Tree
from otp.text.redaction import clean_name

INTERVAL = 0.25
"""Seconds between two pings."""

AGAIN = 10.0
"""Seconds after which a block that lasts is reported again."""

MINUTE = 60.0

TURNS = 4
"""Parts of a wait. A process that was halted as a whole, and goes on, has overslept one of them and not all."""

SECOND_LOOK = 0.02
"""Seconds between two samples of the stack: if they differ, many children keep the loop busy, and none is to blame."""

FRAME_LIMIT = 30
"""Frames of a stack that are kept: the innermost."""

Listener = Callable[[LoopBlocked | LoopFreed], None]
"""Called in the watching thread, at once. It must not wait for the event loop."""


_frames_of_threads = sys._current_frames  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # documented, for just this


class _Ping:
    def __init__(self) -> None:
        self.sent = monotonic()
        self.took = 0.0
        self.answered = Event()

    def answer(self) -> None:
        self.took = monotonic() - self.sent
        self.answered.set()

    def waits_for(self, seconds: float) -> bool:
        """Whether it has been answered within this time."""
        return any(self.answered.wait(seconds / TURNS) for _ in range(TURNS))


class LoopWatch:
    """Watches the event loop of one tree.

    Attributes:
        blocked: what blocks it now; None: it turns. May be read in any thread.
    """

    def __init__(self, tree: Tree, *, threshold: float, listeners: Iterable[Listener] = ()) -> None:
        """Create it in the event loop; `run` starts the watch.

        Args:
            tree: whose loop it is.
            threshold: seconds without an answer after which the loop is blocked.
            listeners: see `listen`.
        """
        self.blocked: LoopBlocked | None = None
        self._tree = tree
        self._root = tree.root.machine.path
        self._threshold = threshold
        self._listeners = list(listeners)
        self._loop_thread = get_ident()
        self._ahead = tree.now() - monotonic()  # of the loop's clock, which only the loop can read
        self._ping = _Ping()
        self._ping.answer()
        self._answers: deque[float] = deque(maxlen=round(MINUTE / INTERVAL))
        self._over = Event()

    def listen(self, listener: Listener) -> None:
        """Call `listener` in the watching thread, at once, when the loop is blocked and when it turns again."""
        self._listeners.append(listener)

    @property
    def lag(self) -> Lag:
        """How long the loop makes callbacks wait; may be read in any thread."""
        ping = self._ping
        last = ping.took if ping.answered.is_set() else monotonic() - ping.sent
        return Lag(last, max((last, *tuple(self._answers))))

    def run(self) -> None:
        """Watch, in a thread of its own, until `stop`."""
        with suppress(RuntimeError):  # the loop is closed
            while not self._over.wait(INTERVAL):
                self._ping = ping = _Ping()
                # A race: `stop` between the two lines above has answered the ping before this one.
                if self._over.is_set():
                    break
                self._tree.spawner.soon(ping.answer)
                if not ping.waits_for(self._threshold):
                    self._follow(ping)
                self._answers.append(ping.took)

    def stop(self) -> None:
        """End the watch; called in the loop, which is therefore not blocked."""
        self._over.set()
        self._ping.answer()

    def _follow(self, ping: _Ping) -> None:
        """Report a block until it is over."""
        while not ping.answered.is_set():
            found = self._find_culprit(ping)
            if ping.answered.is_set():  # it turned meanwhile: what was found may be a later call
                break
            self.blocked = found
            self._notify(found)
            ping.answered.wait(AGAIN)
        blocked, self.blocked = self.blocked, None
        if blocked is not None:
            freed = LoopFreed(path=blocked.path, at=self._now(), seconds=ping.took, callback=blocked.callback)
            self._notify(freed)

    def _find_culprit(self, ping: _Ping) -> LoopBlocked:
        culprit = self._culprit()
        ping.answered.wait(SECOND_LOOK)
        again = self._culprit()
        if culprit is None or again is None or culprit.identity is not again.identity:
            culprit = _Culprit(self._root)
        stack = _stack(_frames_of_threads().get(self._loop_thread))
        return LoopBlocked(
            path=culprit.path,
            at=self._now(),
            seconds=monotonic() - ping.sent,
            stack=stack,
            callback=culprit.callback,
        )

    def _culprit(self) -> "_Culprit | None":
        try:
            found = self._on_the_stack(_frames_of_threads().get(self._loop_thread))
            if found is not None:
                return found
            child = next(filter(None, map(child_of, self._tree.spawner.lineage())), None)
        except Exception:  # noqa: BLE001 # the loop turns again just now, or a library keeps its tasks in another way
            return None
        return _Culprit(child.path, child) if child is not None else None

    def _on_the_stack(self, frame: FrameType | None) -> "_Culprit | None":
        """The child, supervisor or function of the program to which the innermost frames belong."""
        guard, callback = None, ""
        while frame is not None:
            if guard is None and (called := calling(frame)) is not None:
                guard, callback = frame, " ".join(called)
            elif (supervisor := supervisor_in(frame)) is not None:
                return _Culprit(supervisor.machine.path, guard or frame, callback)
            elif guard is None and (child := child_in(frame)) is not None:
                return _Culprit(child.path, child)
            frame = frame.f_back
        return _Culprit(self._root, guard, callback) if guard is not None else None

    def _notify(self, event: LoopBlocked | LoopFreed) -> None:
        for listener in tuple(self._listeners):
            said = call(Role.LISTENER, "", listener, event)
            if type(said) is CallFailed:  # whatever it raises, this thread goes on
                self._detach(listener, said)
        with suppress(RuntimeError):
            self._tree.spawner.soon(partial(self._report, event))

    def _detach(self, listener: Listener, failure: CallFailed) -> None:
        self._listeners = [one for one in self._listeners if one is not listener]
        text = f"a listener of the loop watch raised and is detached: {failure.name}: {describe(failure.error)}"
        logger.error("{}  {}", self._root, text)

    def _report(self, event: LoopBlocked | LoopFreed) -> None:
        self._tree.reporter.put(event)
        self._tree.reporter.wake()

    def _now(self) -> float:
        return monotonic() + self._ahead


class _Culprit(NamedTuple):
    """The child or the supervisor whose call does not return.

    Attributes:
        path: of the child or the supervisor.
        identity: the child, or the frame of ours; two samples of the same call have the same.
        callback: the function of the program that was called, with its role.
    """

    path: str
    identity: TaskChild | FrameType | None = None
    callback: str = ""


@contextmanager
def watching(watch: LoopWatch) -> Generator[LoopWatch]:
    """Watch for as long as the block runs."""
    thread = Thread(target=watch.run, name="otp-loop-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join(timeout=1.0)


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    """The frames below that of the child, or of the guard, outermost first; all of them if there is none."""
    inward: list[FrameType] = []
    while frame is not None and frame.f_globals.get("__name__") != "otp.runtime.child" and frame.f_code not in guards:
        inward.append(frame)
        frame = frame.f_back
    kept = reversed(inward[:FRAME_LIMIT])
    return tuple(clean_name(f"{one.f_code.co_filename}:{one.f_lineno} {one.f_code.co_qualname}") for one in kept)
