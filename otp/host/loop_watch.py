"""Blocked loop: a thread sees that one child keeps all others from running, and says which one, while it still does.

1. The thread has the event loop answer a ping, a few times in a second.
2. A child calls something that does not return: no ping is answered, and no hook, timer or signal of the tree either.
3. After `threshold` seconds the thread looks at the stack of the loop's thread and at the task that runs there. It
   writes the log, tells its listeners, and leaves the event to the loop for all other hooks.
4. The loop turns again: the ping is answered, the hooks hear of the events in their order.

A call into C that keeps the interpreter's lock stops the thread as well: it is seen in `lag` only, after the fact.
"""

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Thread, get_ident
from time import monotonic
from types import FrameType

from loguru import logger
from msgspec import Struct

from otp.events import LoopBlocked, LoopFreed
from otp.runtime.child import TaskChild, child_of
from otp.runtime.redaction import clean_name
from otp.runtime.tree import Tree

__all__ = ("Lag", "Listener", "LoopWatch", "watching")

INTERVAL = 0.25
"""Seconds between two pings."""

AGAIN = 10.0
"""Seconds after which a block that lasts is told again."""

MINUTE = 60.0

TURNS = 4
"""A whole process that was halted, and goes on, has missed one turn of its clock and not all of them."""

SECOND_LOOK = 0.02
"""Seconds between two looks: a loop that is busy with many children, and turns slowly, is nobody's in particular."""

FRAME_LIMIT = 30
"""Frames of a stack that are kept: the innermost."""

Listener = Callable[[LoopBlocked | LoopFreed], None]
"""Called by the watching thread, at once. It must not wait for the event loop."""


_frames_of_threads = sys._current_frames  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # documented, for just this


class Lag(Struct, frozen=True):
    """How long the event loop lets others wait, in seconds.

    Attributes:
        last: how long the last ping took, or has taken so far.
        worst: the same for the last minute.
    """

    last: float
    worst: float


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
        blocked: what blocks it now; None: it turns. To be read from whatever thread.
    """

    def __init__(self, tree: Tree, *, threshold: float, listeners: Iterable[Listener] = ()) -> None:
        """Begin nothing yet; made in the event loop.

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
        """Tell `listener` at once, in the watching thread, when the loop is blocked and when it turns again."""
        self._listeners.append(listener)

    @property
    def lag(self) -> Lag:
        """How long the loop lets others wait; to be read from whatever thread."""
        ping = self._ping
        last = ping.took if ping.answered.is_set() else monotonic() - ping.sent
        return Lag(last, max((last, *tuple(self._answers))))

    def run(self) -> None:
        """Watch, in a thread of its own, until `stop`."""
        with suppress(RuntimeError):  # the loop is closed
            while not self._over.wait(INTERVAL):
                self._ping = ping = _Ping()
                if self._over.is_set():  # between the two lines above: `stop` may have answered the ping before
                    break
                self._tree.spawner.soon(ping.answer)
                if not ping.waits_for(self._threshold):
                    self._follow(ping)
                self._answers.append(ping.took)

    def stop(self) -> None:
        """End the watching; called in the loop, which therefore is not blocked."""
        self._over.set()
        self._ping.answer()

    def _follow(self, ping: _Ping) -> None:
        """Tell of a block until it is over."""
        while not ping.answered.is_set():
            seen = self._look(ping)
            if ping.answered.is_set():  # it turned meanwhile: what was seen may be somebody who came after
                break
            self.blocked = seen
            self._tell(seen)
            ping.answered.wait(AGAIN)
        blocked, self.blocked = self.blocked, None
        if blocked is not None:
            self._tell(LoopFreed(path=blocked.path, at=self._now(), seconds=ping.took))

    def _look(self, ping: _Ping) -> LoopBlocked:
        child = self._culprit()
        ping.answered.wait(SECOND_LOOK)
        if child is not self._culprit():
            child = None
        stack = _stack(_frames_of_threads().get(self._loop_thread))
        path = child.path if child is not None else self._root
        return LoopBlocked(path=path, at=self._now(), seconds=monotonic() - ping.sent, stack=stack)

    def _culprit(self) -> TaskChild | None:
        try:
            return next(filter(None, map(child_of, self._tree.spawner.lineage())), None)
        except Exception:  # noqa: BLE001 # the loop turns again just now, or a library keeps its tasks in another way
            return None

    def _tell(self, event: LoopBlocked | LoopFreed) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # noqa: BLE001 # a listener never harms the watch
                self._listeners.remove(listener)
                logger.opt(exception=True).error(f"{self._root}  a listener of the loop watch raised and is detached")
        with suppress(RuntimeError):
            self._tree.spawner.soon(partial(self._report, event))

    def _report(self, event: LoopBlocked | LoopFreed) -> None:
        self._tree.reporter.put(event)
        self._tree.reporter.wake()

    def _now(self) -> float:
        return monotonic() + self._ahead


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
    """The frames below that of the child, outermost first; all of them if there is none."""
    frames: deque[str] = deque(maxlen=FRAME_LIMIT)
    inward: list[FrameType] = []
    while frame is not None and frame.f_globals.get("__name__") != "otp.runtime.child":
        inward.append(frame)
        frame = frame.f_back
    for one in reversed(inward):
        frames.append(clean_name(f"{one.f_code.co_filename}:{one.f_lineno} {one.f_code.co_qualname}"))
    return tuple(frames)
