"""Lines on their way out of the process, to something that may not take them: a terminal, a pipe, a file.

    outlet = Outlet("stderr", write)
    outlet.put(line)             # from any thread; never waits, never raises
    outlet.flush(within=1.0)     # whether all lines that were put before have been written

A bounded queue, and one daemon thread that writes. While `write` blocks or fails, lines wait; beyond the limits the oldest
are dropped. Their number is written in their place, as soon as writing works again. No lock is held while `write` runs, and
the thread is never joined: at the end of the process `flush` waits for it, for a bounded time.

Why not loguru's `enqueue=True`: its queue is unbounded, and is joined at exit without a limit.
"""

import os
from collections import deque
from collections.abc import Callable
from threading import Condition, RLock, Thread
from weakref import WeakSet

LINES = 10_000
"""Lines that may wait."""

SIZE = 4 * 1024 * 1024
"""Characters that may wait."""

LONGEST = 64 * 1024
"""Characters of one line; the rest is cut off."""

BATCH = 64 * 1024
"""Characters that are written at once. With one line at a time, the thread would take the interpreter once a line."""

LINGER = 0.01
"""Seconds that the first line waits for others. While this thread has the interpreter, the event loop has not: when a storm
of restarts woke the thread with each line, the median latency of the loop grew by a sixth."""

PAUSES = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Seconds between two tries while `write` fails; the last one is repeated."""


def plain(level: str, text: str) -> str:
    """Return a line, for an outlet that has no form of its own."""
    return f"{level: <8} {text}\n"


class Outlet:
    """Lines on their way to one place.

    Args:
        name: of the place, for the line about dropped lines.
        write: writes some text, whole lines, or raises. It is called by the outlet's thread, and may block.
        form: makes a line of a level and a text, for the outlet's own messages.
        lines: that may wait.
        size: characters that may wait.

    Attributes:
        written: lines that were written.
        dropped: lines that were dropped.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[str], object],
        *,
        form: Callable[[str, str], str] = plain,
        lines: int = LINES,
        size: int = SIZE,
    ) -> None:
        self.name = name
        self.form = form
        self.written = 0
        self.dropped = 0
        self._write = write
        self._limits = (max(lines, 1), max(size, LONGEST))
        self._closed = False
        self._begin()
        _OPEN.add(self)

    def _begin(self) -> None:
        # Reentrant, for a signal handler or a finalizer may log in the middle of `put`.
        self._changed = Condition(RLock())
        self._thread: Thread | None = None
        self._waiting: deque[str] = deque()
        self._size = 0
        self._put = self.written + self.dropped
        self._gap = 0
        self._hurried = 0
        self._flying: int | None = None
        self._failure: BaseException | None = None
        self._forked = False

    @property
    def waiting(self) -> int:
        """Lines that have been put and are neither written nor dropped, with those that `write` is busy with."""
        return self._put - self.written - self.dropped

    def put(self, line: str) -> None:
        """Take a line, which ends with its line end."""
        if len(line) > LONGEST:
            line = f"{line[: LONGEST - 2]}…\n"
        if self._forked:
            self._write_at_once(line)
            return
        with self._changed:
            self._put += 1
            if self._closed or not self._has_thread():
                self.dropped += 1
                return
            self._make_room(len(line))
            self._waiting.append(line)
            self._size += len(line)
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def flush(self, within: float) -> bool:
        """Wait until all lines put before are written or dropped, at most `within` seconds; return whether they are."""
        with self._changed:
            end = self._put
            self._hurried += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._settled(end) or self._failure is not None, max(within, 0.0))
            self._hurried -= 1
            return self._settled(end)

    def close(self, within: float) -> None:
        """Write what waits, for `within` seconds. Lines that are put later are dropped, and the thread ends when it can."""
        self.flush(within)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        _OPEN.discard(self)

    def after_fork(self) -> None:
        """Begin anew in a forked process: it has no thread of ours, and its parent writes the lines that wait.

        The forked process writes each line at once, for most end by `os._exit`, without a flush.
        """
        self._begin()
        self._forked = True

    def _settled(self, end: int) -> bool:
        """Whether the oldest line that is neither written nor dropped was put behind the first `end` lines."""
        return (self._put - len(self._waiting) if self._flying is None else self._flying) >= end

    def _has_thread(self) -> bool:
        if self._thread is None:
            thread = Thread(target=self._run, name=f"otp-outlet-{self.name}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # too many threads, or the interpreter is about to end
                return False
            self._thread = thread
        return True

    def _make_room(self, coming: int) -> None:
        lines, size = self._limits
        while self._waiting and (len(self._waiting) >= lines or self._size + coming > size):
            self._size -= len(self._waiting.popleft())
            self.dropped += 1
            self._gap += 1

    def _run(self) -> None:
        failures = 0
        while self._has_work():
            if self._try():
                failures = 0
            else:
                self._pause(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1

    def _has_work(self) -> bool:
        """Wait for a line; return False when no more can come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._gap or self._closed)
            self._changed.wait_for(lambda: self._hurried or self._closed, LINGER)
            return not self._closed or (bool(self._waiting) and self._failure is None)

    def _try(self) -> bool:
        """Write what waits; after a failure only the number of missing lines, so that no other line gets lost."""
        with self._changed:
            gap, failure = self._gap, self._failure
            self._flying = self._put - len(self._waiting)
            lines = self._take() if failure is None else []
        notice = self._notice(gap, failure) if gap else ""
        try:
            self._write(f"{notice}{''.join(lines)}")
        except BaseException as error:  # noqa: BLE001 # `write` is foreign code, and this thread goes on
            self._has_failed(error, len(lines))
            return False
        with self._changed:
            self._failure = self._flying = None
            self._gap -= gap
            self.written += len(lines)
            self._changed.notify_all()
        return True

    def _take(self) -> list[str]:
        lines: list[str] = []
        size = 0
        while self._waiting and (not lines or size + len(self._waiting[0]) <= BATCH):
            lines.append(self._waiting.popleft())
            size += len(lines[-1])
        self._size -= size
        return lines

    def _notice(self, gap: int, failure: BaseException | None) -> str:
        lines = "1 line was" if gap == 1 else f"{gap:_} lines were".replace("_", " ")
        why = "was not read" if failure is None else f"failed: {type(failure).__name__}"
        return self.form("WARNING", f"{lines} not written, {self.name} {why}")

    def _has_failed(self, error: BaseException, lines: int) -> None:
        with self._changed:
            self._failure, self._flying = error.with_traceback(None), None
            self.dropped += lines
            self._gap += lines
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def _write_at_once(self, line: str) -> None:
        try:
            self._write(line)
        except Exception:  # noqa: BLE001 # as for the thread
            self.dropped += 1
        else:
            self.written += 1


_OPEN: WeakSet[Outlet] = WeakSet()


def open_outlets() -> tuple[Outlet, ...]:
    """Return all outlets of this process that are not closed."""
    return tuple(_OPEN)


def _after_fork() -> None:
    for outlet in open_outlets():
        outlet.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
