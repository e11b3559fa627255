"""A thread that watches a process, and waits for it when it is gone.

What comes is put into a short queue, from which the screen takes all of it ten times a second. When the screen is slow,
the queue is full, the thread reads no more, and the server sends a new snapshot in place of what was missed: nothing
piles up here, and nothing there.

Silence means that nothing happens, or that the process stands still (stopped by SIGSTOP, a machine that swaps). Which
one is found out by a question that costs the tree nothing, on a connection of its own. Some things change without
anything happening (the window of a supervisor empties, a streak is over, the lag): for them a whole snapshot is asked
for now and then.

A process that is gone ends the connection, and that is known at once.
"""

import time
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread

from msgspec import Struct

from otp.control.client.client import Client, CommandFailed, Unreachable, connect
from otp.control.wire.protocol import GetEvents, GetSnapshot, Greeting
from otp.control.wire.rows import Delta, Snapshot

__all__ = ("Arrived", "Feed", "Joined", "Lost", "News")

QUEUE = 256
"""Messages that wait for the screen."""


class Joined(Struct, frozen=True):
    """There is a connection."""

    greeting: Greeting


class Arrived(Struct, frozen=True):
    """A message, and when it came, by the monotonic clock."""

    message: Snapshot | Delta
    at: float


class Lost(Struct, frozen=True):
    """There is no connection any more, or still none: why, and when the process was last heard."""

    why: str
    at: float


News = Joined | Arrived | Lost


class Feed:
    """The thread.

    Args:
        path: of the socket. The process may come and go; its socket keeps the name.
        retry: seconds between two attempts to connect.
        silence: seconds without a message after which the process is asked for a sign of life.
        patience: seconds that it has for that.
        refresh: seconds after which a whole snapshot is asked for.
    """

    def __init__(
        self, path: Path, *, retry: float = 0.5, silence: float = 1.0, patience: float = 2.0, refresh: float = 15.0
    ) -> None:
        self._path = path
        self._retry = retry
        self._silence = silence
        self._patience = patience
        self._refresh = refresh
        self._news: Queue[News] = Queue(QUEUE)
        self._heard = 0.0
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

    @property
    def waiting(self) -> int:
        """News that nobody has taken yet."""
        return self._news.qsize()

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
            self._heard = time.monotonic()
            try:
                with self._connect() as watched, self._connect() as asked:
                    self._put(Joined(watched.greeting))
                    watched.patience(self._silence)
                    self._watch(watched, asked)
                why = "the process has ended"
            except (Unreachable, CommandFailed) as error:
                why = str(error)
            self._put(Lost(why, self._heard))
            self._ended.wait(self._retry)

    def _connect(self) -> Client:
        return connect(self._path, timeout=self._patience)

    def _watch(self, watched: Client, asked: Client) -> None:
        """Until the process has ended, or gives no sign of life."""
        due = time.monotonic() + self._refresh
        for message in watched.watch():
            if self._ended.is_set():
                return
            if message is not None:
                self._heard = time.monotonic()
                self._put(Arrived(message, self._heard))
            if time.monotonic() >= due:
                due = time.monotonic() + self._refresh
                self._ask(asked, GetSnapshot())
            elif message is None:
                self._ask(asked, GetEvents(limit=0))

    def _ask(self, asked: Client, question: GetSnapshot | GetEvents) -> None:
        """Ask for a snapshot, or for a sign of life, and pass on what the answer tells.

        Raises:
            CommandFailed: there is none.
        """
        try:
            answer = asked.ask(question)
        except CommandFailed as refusal:
            if refusal.kind == "timed_out":
                raise
            answer = None  # a refusal is a sign of life
        self._heard = time.monotonic()
        # While the loop is blocked, a snapshot is an older one, and what we know is newer.
        if isinstance(answer, Snapshot) and answer.blocked is None:
            self._put(Arrived(answer, self._heard))

    def _put(self, news: News) -> None:
        while not self._ended.is_set():
            try:
                self._news.put(news, timeout=self._retry)
            except Full:
                continue
            return
