"""A thread that watches a process, and waits for it when it is gone.

What comes is put into a short queue, from which the screen takes all of it ten times a second. When the screen is slow,
the queue is full, the thread reads no more, and the server sends a new snapshot in place of what was missed: nothing
piles up here, and nothing there.

A process that is gone ends the connection, and that is known at once. One that stands still (stopped by SIGSTOP, a
machine that swaps) does not: after a silence it is asked for a sign of life, on a connection of its own.
"""

import time
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread

from msgspec import Struct

from otp.control.client import Client, CommandFailed, Unreachable, connect
from otp.control.protocol import GetHealth, Greeting
from otp.control.rows import Delta, Snapshot

__all__ = ("Arrived", "Feed", "Joined", "Lost", "News", "Silent")

QUEUE = 256
"""Messages that wait for the screen."""


class Joined(Struct, frozen=True):
    """There is a connection."""

    greeting: Greeting


class Arrived(Struct, frozen=True):
    """A message, and when it came, by the monotonic clock."""

    message: Snapshot | Delta
    at: float


class Silent(Struct, frozen=True):
    """The process is there and gives no sign of life, since `at`."""

    at: float


class Lost(Struct, frozen=True):
    """There is no connection any more, or still none; `why` says what is known."""

    why: str
    at: float


News = Joined | Arrived | Silent | Lost


class Feed:
    """The thread.

    Args:
        path: of the socket. The process may come and go; its socket keeps the name.
        retry: seconds between two attempts to connect.
        silence: seconds without a message after which the process is asked for a sign of life.
        patience: seconds that it has for that.
    """

    def __init__(self, path: Path, *, retry: float = 0.5, silence: float = 2.0, patience: float = 2.0) -> None:
        self._path = path
        self._retry = retry
        self._silence = silence
        self._patience = patience
        self._news: Queue[News] = Queue(QUEUE)
        self._ended = Event()
        self._thread = Thread(target=self._run, name="otp top: feed", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; the thread ends within `silence` and `patience`."""
        self._ended.set()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def take(self) -> list[News]:
        """What has come since the last time, oldest first; does not wait."""
        taken: list[News] = []
        while len(taken) < QUEUE:
            try:
                taken.append(self._news.get_nowait())
            except Empty:
                break
        return taken

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with connect(self._path, timeout=self._patience) as client:
                    self._put(Joined(client.greeting))
                    client.patience(self._silence)
                    self._watch(client)
                why = "the process has ended"
            except (Unreachable, CommandFailed) as error:
                why = str(error)
            self._put(Lost(why, time.monotonic()))
            self._ended.wait(self._retry)

    def _watch(self, client: Client) -> None:
        heard = time.monotonic()
        for message in client.watch():
            if self._ended.is_set():
                return
            if message is not None:
                heard = time.monotonic()
                self._put(Arrived(message, heard))
            elif not self._lives():
                self._put(Silent(heard))

    def _lives(self) -> bool:
        """Whether the process answers at all; what it answers does not matter."""
        try:
            with connect(self._path, timeout=self._patience) as client:
                client.ask(GetHealth())
        except CommandFailed as refusal:
            return refusal.kind != "timed_out"
        except Unreachable:
            return False
        return True

    def _put(self, news: News) -> None:
        while not self._ended.is_set():
            try:
                self._news.put(news, timeout=self._retry)
            except Full:
                continue
            return
