"""The watchman: a thread outside the event loop that owns the end of a process whose last act a tree is.

    runs     --signal, or the tree stops by itself-->  stops    `grace` seconds
    stops    --second signal, or that time is over-->  ends     `exit_within` seconds
    any      --the last child is gone------------->    ends     `exit_within` seconds
    ends     --one signal more, or that time is over-> the process is gone, by `os._exit`

So the end needs no event loop that turns, no thread that ends, no log, no buffer and no terminal that somebody reads.
What holds the process is named before, on standard error, in a time that is bounded as well.

How a signal is heard:

1. The handler, which Python runs in the main thread, counts it and wakes the watchman. It does not run while the main
   thread is in C, where a blocking call may keep it for ever.
2. So the wake-up descriptor, which is written to by the handler in C, is the watchman's while the event loop runs, and
   what comes there goes on to the loop, whose it was. Somebody else may take it away at any time.
3. Therefore both are counted, and the higher count is how often a signal came.
"""

import atexit
import math
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import Enum, auto
from functools import partial
from itertools import chain
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType
from typing import Protocol

from otp.application.last_resort import end_anyway_after, stderr
from otp.application.remains import listed, processes_left, threads_left
from otp.application.signals import give_back_to_children, stop_signals
from otp.control.wire.sockets import release_all

__all__ = ("EXIT_WITHIN", "FAILED", "Watched", "Watchman")

EXIT_WITHIN = 2.0
"""Seconds that the process has when its last child is gone."""

FAILED = 70

LAST_WORDS = 0.5
"""Seconds that writing the last words may take, and what is still in the buffers of standard output and error."""

LONGEST_WAIT = 3_600.0
"""Seconds after which the watchman looks at the clock, if nothing else wakes it."""


class Watched(Protocol):
    """A tree, as the watchman knows it. All but `soon` is called in the tree's event loop, or while that is blocked."""

    def soon(self, call: Callable[[], object], /) -> object:
        """Have the event loop call something; RuntimeError once it is closed."""
        ...

    def stop(self, number: int, /) -> None:
        """The first signal came: stop in order."""

    def stop_at_once(self, code: int, /) -> None:
        """End all that is left."""

    def last_words(self, code: int, others: str, /) -> str:
        """A line on the children that still run when the process ends with this code, and on the `others` that do."""
        ...


class _Phase(Enum):
    RUNS = auto()
    STOPS = auto()
    ENDS = auto()


class Watchman:
    """Ends the process, whatever holds it.

    Args:
        grace: seconds that a stop in order may take.
        exit_within: seconds that the process has after the last child is gone, or `grace` is over.
    """

    def __init__(self, *, grace: float = math.inf, exit_within: float = EXIT_WITHIN) -> None:
        self._grace = grace
        self._exit_within = exit_within
        self._phase = _Phase.RUNS
        self._deadline = math.inf
        self._code = FAILED
        self._watched: Watched | None = None
        self._told: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)  # its only argument
        self._forward = -1
        self._by_handler = self._by_descriptor = self._heard = 0
        self._signal: int | None = None

    def start(self) -> None:
        """Begin to watch."""
        stderr()  # while there are descriptors
        atexit.register(_leave_signals_alone)
        threading.Thread(target=self._run, name="otp-watchman", daemon=True).start()

    # ------------------------------------------------------------------------------------------------ from the main thread

    @contextmanager
    def watching(self) -> Generator[None]:
        """Hear the signals, within the event loop, in the main thread.

        The handlers stay after the block: what is left is the end of the process.
        """
        numbers = stop_signals()
        give_back_to_children(numbers)
        for number in numbers:
            signal.signal(number, self._handle)
        self._forward = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            self._give_back()

    def watch(self, watched: Watched) -> None:
        """Watch this tree, which hears of the signals that have come already."""
        self._tell(partial(self._watch, watched))

    def stops(self) -> None:
        """The tree has begun to stop, for whatever cause."""
        self._tell(self._stops)

    def over(self, code: int) -> None:
        """The last child is gone, or the program has ended: the process ends soon, with this code."""
        self._tell(partial(self._over, code))

    def program_over(self, code: int) -> None:
        """The program has ended and its event loop is closed: end soon with this code. Called in the main thread.

        From here on the watchman alone hears signals.
        """
        self.over(code)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)

    def end(self) -> None:
        """Nothing more can be waited for: end the process now."""
        self._tell(self._end)

    # ------------------------------------------------------------------------------------------------ signals

    def _handle(self, number: int, _: FrameType | None) -> None:
        self._by_handler += self._counts(number, self._by_handler)
        self._wake()

    def _counts(self, number: int, before: int) -> bool:
        """Whether the signal is one of ours; a terminal that goes away says so twice, which is no hurry.

        Args:
            number: of the signal.
            before: how many were counted on the same way.
        """
        if number == signal.SIGHUP and before:
            return False
        if number not in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            return False
        self._signal = number
        return True

    def _give_back(self) -> None:
        forward, self._forward = self._forward, -1
        taken = signal.set_wakeup_fd(forward)
        if taken != self._mouth.fileno():  # somebody else's by now
            signal.set_wakeup_fd(taken)

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is awake
            self._mouth.sendall(b"\0")

    def _tell(self, what: Callable[[], None]) -> None:
        self._told.put(what)
        self._wake()

    # ------------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            self._listen()
            while True:
                try:
                    self._told.get_nowait()()
                except Empty:
                    break
            while self._heard < max(self._by_handler, self._by_descriptor):
                self._heard += 1
                self._obey()
            if monotonic() >= self._deadline:
                self._time_is_over()

    def _listen(self) -> None:
        self._ear.settimeout(min(max(self._deadline - monotonic(), 0.0001), LONGEST_WAIT))
        try:
            heard = self._ear.recv(4096)
        except TimeoutError:
            return
        for number in heard:
            self._by_descriptor += self._counts(number, self._by_descriptor)
        if (forward := self._forward) >= 0:
            with suppress(OSError):
                os.write(forward, heard)

    def _obey(self) -> None:
        if self._phase is _Phase.ENDS and self._heard > 1:
            self._end()
        elif self._heard > 1:
            self._ends_at_once()
        else:
            self._stops()
            self._stop()

    def _watch(self, watched: Watched) -> None:
        self._watched = watched
        if self._heard > 0:
            self._stop()
        if self._phase is _Phase.ENDS:
            self._soon(partial(watched.stop_at_once, self._code))

    def _stop(self) -> None:
        if self._watched is not None:
            self._soon(partial(self._watched.stop, self._signal or signal.SIGTERM))

    def _stops(self) -> None:
        if self._phase is _Phase.RUNS:
            self._phase = _Phase.STOPS
            self._deadline = monotonic() + self._grace
            end_anyway_after(self._grace + self._exit_within)

    def _over(self, code: int) -> None:
        self._code = code
        if self._phase is not _Phase.ENDS:
            self._phase = _Phase.ENDS
            self._deadline = monotonic() + self._exit_within
            end_anyway_after(self._exit_within + LAST_WORDS)

    def _ends_at_once(self) -> None:
        code = FAILED if self._signal is None else 128 + self._signal
        self._over(code)
        if self._watched is not None:
            self._soon(partial(self._watched.stop_at_once, code))

    def _time_is_over(self) -> None:
        if self._phase is _Phase.ENDS:
            self._end()
        else:
            self._ends_at_once()

    def _soon(self, call: Callable[[], object]) -> None:
        assert self._watched is not None
        with suppress(RuntimeError):  # the loop is closed
            self._watched.soon(call)

    # ------------------------------------------------------------------------------------------------ the end

    def _end(self) -> None:
        """A thread of its own clears away and speaks, since it may never come back."""
        try:
            end_anyway_after(LAST_WORDS)
            parting = threading.Thread(target=self._part, name="otp-last-words", daemon=True)
            parting.start()
            parting.join(LAST_WORDS)
        finally:
            os._exit(self._code)

    def _part(self) -> None:
        release_all()
        _write(self._last_words())
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()

    def _last_words(self) -> str:
        others = listed(_total(chain(threads_left(), processes_left())))
        if self._watched is None:
            return f"the process ends with code {self._code}, with this still running: {others or 'nothing of Python'}"
        try:
            return self._watched.last_words(self._code, others)
        except Exception as bug:  # noqa: BLE001 # looked at while others change it
            return f"the process ends with code {self._code}; who still runs cannot be told: {type(bug).__name__}"


def _leave_signals_alone() -> None:
    """The code stands. Behind this Python gives its handlers back, and a signal would end the process with its own."""
    for number in stop_signals():
        with suppress(ValueError):  # not the main thread: there is no such end
            signal.signal(number, signal.SIG_IGN)


def _total(names: Generator[str] | chain[str]) -> Generator[str]:
    with suppress(Exception):
        yield from names


def _write(text: str) -> None:
    left = f"{datetime.now():%H:%M:%S.%f}"[:-3].encode() + b" " + text.encode(errors="backslashreplace") + b"\n"  # noqa: DTZ005
    with suppress(OSError):
        while left:
            left = left[os.write(2, left) :]
