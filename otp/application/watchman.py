"""The watchman: a thread outside the event loop that owns the end of a process whose last act a tree is.

    runs     --signal, or the tree stops by itself-->  stops    `grace` seconds
    stops    --second signal, or that time is over-->  ends     `exit_within` seconds
    any      --the last child is gone------------->    ends     `exit_within` seconds
    ends     --one signal more, or that time is over-> the process is gone, by `os._exit`

So the end depends on no event loop that turns, no thread that ends, no log, no buffer and no terminal that is read. What
holds the process is named before, on standard error, within a bounded time.

How a signal is heard, once:

1. The handler in C writes its number into the wake-up descriptor, at once and in the order of arrival. While the event
   loop runs, the descriptor is the watchman's, and what arrives there goes on to the loop, whose it was. Any library may
   take it away at any time.
2. Python runs its own handler in the main thread, which counts the signal and wakes the watchman. It does not run while
   the main thread is in C, where a blocking call may keep it for ever; and of several signals that wait by then it takes
   the lowest number first, so it cannot tell SIGTERM, SIGHUP from SIGHUP, SIGTERM.
3. So each signal is counted on both ways, and the higher count is how often it came. What the descriptor has goes first.
"""

import atexit
import math
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import Enum, auto
from functools import partial
from itertools import chain
from queue import SimpleQueue
from time import monotonic
from types import FrameType
from typing import Protocol

from otp.application.forced_exit import end_anyway_after, stderr
from otp.application.leftovers import listed, processes_left, threads_left
from otp.application.signals import give_back_to_children, stop_signals
from otp.control.wire.sockets import release_all

EXIT_WITHIN = 2.0
"""Seconds that the process has when its last child is gone."""

FAILED = 70

LAST_WORDS = 0.5
"""Seconds for writing the last words, and for flushing standard output and error."""

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LONGEST_WAIT = 3_600.0
"""Seconds after which the watchman checks the clock, if nothing else wakes it."""


class Watched(Protocol):
    """A tree, as the watchman sees it. Except for `soon`, its methods are called in the tree's loop, or while it is blocked."""

    def soon(self, call: Callable[[], object], /) -> object:
        """Schedule a call in the event loop, from any thread; RuntimeError once the loop is closed."""
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
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._forward = -1
        self._by_handler, self._by_descriptor, self._counted = _counts(), _counts(), _counts()
        self._arrived: deque[int] = deque()
        self._obeyed = 0
        self._signal: int | None = None

    def start(self) -> None:
        """Begin to watch."""
        stderr()  # while there are descriptors
        atexit.register(_leave_signals_alone)
        threading.Thread(target=self._run, name="otp-watchman", daemon=True).start()

    # ------------------------------------------------------------------------------------------------ from the main thread

    @contextmanager
    def watching(self) -> Generator[None]:
        """Receive the signals for as long as the block runs; in the main thread, within the event loop.

        The handlers stay after the block: the process is about to end.
        """
        numbers = stop_signals()
        give_back_to_children(numbers)
        for number in numbers:
            signal.signal(number, self._handle)
        self._forward = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            self._give_back()

    def watch(self, watched: Watched) -> None:
        """Watch this tree; signals that have come already are passed on to it."""
        self._call(partial(self._watch, watched))

    def stops(self) -> None:
        """The tree has begun to stop: the grace begins."""
        self._call(self._stops)

    def over(self, code: int) -> None:
        """The last child is gone, or the program has ended: the process ends soon, with this code."""
        self._call(partial(self._over, code))

    def program_over(self, code: int) -> None:
        """The program has ended and its event loop is closed: end soon with this code. Called in the main thread.

        From here on the watchman alone hears signals.
        """
        self.over(code)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)

    def end(self) -> None:
        """Nothing more can be waited for: end the process now."""
        self._call(self._exit_process)

    # ------------------------------------------------------------------------------------------------ signals

    def _handle(self, number: int, _: FrameType | None) -> None:
        self._by_handler[number] += 1
        self._wake()

    def _give_back(self) -> None:
        forward, self._forward = self._forward, -1
        taken = signal.set_wakeup_fd(forward)
        if taken != self._sender.fileno():  # a library has taken it meanwhile
            signal.set_wakeup_fd(taken)

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is awake
            self._sender.sendall(b"\0")

    def _call(self, what: Callable[[], None]) -> None:
        self._calls.put(what)
        self._wake()

    # ------------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            self._listen()
            while not self._calls.empty():  # taken in this thread only
                self._calls.get_nowait()()
            for number in self._new_signals():
                self._obey(number)
            if monotonic() >= self._deadline:
                self._hurry()

    def _listen(self) -> None:
        self._receiver.settimeout(min(max(self._deadline - monotonic(), 0.0001), LONGEST_WAIT))
        with suppress(TimeoutError):
            self._receive()

    def _receive(self) -> None:
        arrived = self._receiver.recv(4096)
        self._arrived.extend(number for number in arrived if number in _STOPPING)
        if (forward := self._forward) >= 0:
            with suppress(OSError):
                os.write(forward, arrived)

    def _new_signals(self) -> Generator[int]:
        """The signals that have not been counted yet, each once, in the order in which they came."""
        handled = self._by_handler.copy()
        self._receiver.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._receive()  # the descriptor knew of each before its handler ran
        while self._arrived:
            number = self._arrived.popleft()
            self._by_descriptor[number] += 1
            yield from self._count(number, self._by_descriptor[number])
        for number, times in handled.items():
            yield from self._count(number, times)

    def _count(self, number: int, times: int) -> Generator[int]:
        while self._counted[number] < times:
            self._counted[number] += 1
            yield number

    def _obey(self, number: int) -> None:
        if number == signal.SIGHUP and self._obeyed:
            return  # a terminal that goes away says so twice, which is no hurry
        self._obeyed += 1
        self._signal = number
        if self._obeyed > 1:
            self._hurry()
        else:
            self._stops()
            self._stop()

    def _watch(self, watched: Watched) -> None:
        self._watched = watched
        if self._obeyed:
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

    def _hurry(self) -> None:
        """Go on to the next phase: its time is over, or a further signal came."""
        if self._phase is _Phase.ENDS:
            self._exit_process()
        else:
            self._ends_at_once()

    def _soon(self, call: Callable[[], object]) -> None:
        assert self._watched is not None
        with suppress(RuntimeError):  # the loop is closed
            self._watched.soon(call)

    # ------------------------------------------------------------------------------------------------ the end

    def _exit_process(self) -> None:
        """End the process. The last words have a thread of their own, as writing them may block for ever."""
        try:
            end_anyway_after(LAST_WORDS)
            speaker = threading.Thread(target=self._clear_away, name="otp-last-words", daemon=True)
            speaker.start()
            speaker.join(LAST_WORDS)
        finally:
            os._exit(self._code)

    def _clear_away(self) -> None:
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


def _counts() -> dict[int, int]:
    return dict.fromkeys(_STOPPING, 0)


def _leave_signals_alone() -> None:
    """Ignore signals from here on: Python restores the default handlers next, and a signal would change the exit code."""
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
