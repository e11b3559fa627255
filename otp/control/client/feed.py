"""A thread that watches a process, and waits for it while it is gone.

What comes is put into a short queue, which its reader (a screen, a page) empties when it draws. When the reader is slow,
the queue is full, the thread reads no more, and the server sends a new snapshot in place of what was missed: nothing
piles up here, and nothing there.

Silence means that nothing happens, or that the process stands still (stopped by SIGSTOP, a machine that swaps). To tell
one from the other the thread asks a question that costs the tree nothing, on a connection of its own. Some things change
without an event (the window of a supervisor empties, a streak is over, the lag): for them it asks for a whole snapshot
now and then.

A process that is gone ends the connection, and that is known at once.
"""

import time
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread

from otp.control.client.client import Client, connect
from otp.control.client.errors import CommandFailed, Unreachable
from otp.control.client.link import Arrived, Joined, Lost, News
from otp.control.wire.commands import GetEvents, GetSnapshot
from otp.control.wire.rows import Snapshot

QUEUE = 256
"""News that wait for the reader."""


class Feed:
    """The thread, and the queue of its news.

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
        self._thread = Thread(target=self._run, name="otp-feed", daemon=True)

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
        """News that have not been taken yet."""
        return self._news.qsize()

    def take(self) -> list[News]:
        """Take what has come since the last time, oldest first, without waiting."""
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
        """Pass on what comes, until the process has ended or gives no sign of life."""
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
            CommandFailed: no sign of life.
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
