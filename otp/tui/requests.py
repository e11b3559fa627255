"""Queries and commands in threads, so that the screen never waits; what comes of them is passed to a callback.

One thread queries, the newest wish only, and each child at most once in two seconds: a child that crashes all the time must
not make its tree work for the picture of it. A command has a thread and a connection of its own, for it may take as long
as a child takes to stop.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread

from msgspec import Struct

from otp.control.client.client import Client, connect
from otp.control.client.errors import CommandFailed, Unreachable
from otp.control.wire.commands import GetEvents, GetWhy, Pause, Reset, Restart, Resume, Start, Stop
from otp.control.wire.protocol import Acted
from otp.control.wire.rows import EventRow, Why

Action = Restart | Stop | Start | Reset | Pause | Resume

PATIENCE = 5.0
"""Seconds that a query may take."""

HISTORY = 500
"""Events from before the screen began that are asked for."""


class ChildAnswer(Struct, frozen=True):
    """The answer about the child at `path`, or a text that says why there is none."""

    path: str
    answer: Why | str


class Outcome(Struct, frozen=True):
    """The answer to a command, or a text that says why there is none."""

    command: Action
    answer: Acted | str


class ChildQueries(Thread):
    """A thread that asks about one child at a time, from `start` to `stop`.

    Args:
        path: of the socket.
        tell: called in that thread with each answer.
        pause: seconds from one query to the next about one child.
        settle: seconds that a child has to be wanted before it is asked about, so that scrolling asks nothing.
    """

    def __init__(
        self, path: Path, tell: Callable[[ChildAnswer], None], *, pause: float = 2.0, settle: float = 0.1
    ) -> None:
        super().__init__(name="otp top: queries", daemon=True)
        self._path = path
        self._tell = tell
        self._pause = pause
        self._settle = settle
        self._changed = Condition()
        self._wanted: str | None = None
        self._wanted_at = 0.0
        self._ended = False
        self._asked: tuple[str, float] = ("", 0.0)
        self._client: Client | None = None

    def want(self, path: str) -> None:
        """Ask about this child next; a wish that has not been asked yet is dropped for it."""
        with self._changed:
            if path != self._wanted:
                self._wanted, self._wanted_at = path, time.monotonic()
            self._changed.notify()

    def stop(self) -> None:
        """Ask no more."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def run(self) -> None:
        """Ask what is wanted, until `stop`; called in the thread."""
        while (path := self._next()) is not None:
            self._tell(ChildAnswer(path, self._answer(path)))
        self._hang_up()

    def _next(self) -> str | None:
        """The child to ask about, once it may be asked about; None at the end."""
        with self._changed:
            while not self._ended:
                wait = self._wait()
                if wait is not None and wait <= 0:
                    path, self._wanted = self._wanted, None
                    assert path is not None
                    self._asked = path, time.monotonic()
                    return path
                self._changed.wait(wait)
        return None

    def _wait(self) -> float | None:
        """Seconds until the next query; None: nothing is wanted."""
        if self._wanted is None:
            return None
        path, at = self._asked
        settled = self._wanted_at + self._settle
        return (max(settled, at + self._pause) if path == self._wanted else settled) - time.monotonic()

    def _answer(self, path: str) -> Why | str:
        try:
            if self._client is None:
                self._client = connect(self._path, timeout=PATIENCE)
            return self._client.ask(GetWhy(path=path))
        except (CommandFailed, Unreachable) as error:
            if isinstance(error, Unreachable) or error.kind == "timed_out":
                self._hang_up()
            return str(error)

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def command(path: Path, wanted: Action, tell: Callable[[Outcome], None], patience: float) -> None:
    """Send a command from a thread of its own.

    Args:
        path: of the socket.
        wanted: the command.
        tell: called in that thread with what comes of it.
        patience: seconds that it may take.
    """

    def do() -> None:
        try:
            with connect(path, timeout=PATIENCE) as client:
                client.patience(patience)
                answer: Acted | str = client.ask(wanted)
        except (CommandFailed, Unreachable) as refusal:
            answer = str(refusal)
        tell(Outcome(wanted, answer))

    Thread(target=do, name=f"otp top: {type(wanted).__name__.lower()}", daemon=True).start()


def history(path: Path, tell: Callable[[tuple[EventRow, ...]], None]) -> None:
    """Fetch the last events in a thread of its own; a process that does not answer has none.

    Args:
        path: of the socket.
        tell: called in that thread with the events.
    """

    def do() -> None:
        with suppress(CommandFailed, Unreachable), connect(path, timeout=PATIENCE) as client:
            tell(client.ask(GetEvents(limit=HISTORY, debug=True)).events)

    Thread(target=do, name="otp top: history", daemon=True).start()
