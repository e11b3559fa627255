"""The last lines that each child logged, kept in memory to show why it failed.

A ring listens to loguru. A context variable says which child logs: a worker, its tasks and its threads.
"""

from collections import OrderedDict, deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loguru import logger
from msgspec import Struct

from otp.observe.sanitize import one_line
from otp.runtime.current_child import CHILD

if TYPE_CHECKING:
    from loguru import Message


KEPT = 50
"""Lines that are kept of each child."""

CHILDREN = 1_000
"""Children whose lines are kept: those that logged most recently."""

LONGEST = 500
"""Characters of a line."""


class LogLine(Struct, frozen=True):
    """One line.

    Attributes:
        wall: when, in seconds since 1970.
        level: its name.
        text: printable and redacted; behind the message stands the exception that was logged with it.
    """

    wall: float
    level: str
    text: str


class LogRing:
    """Remembers what children log. Lines may come from any thread."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[LogLine]] = OrderedDict()

    @contextmanager
    def listening(self, level: str = "INFO") -> Generator[None]:
        """Listen to loguru for the block."""
        sink = logger.add(self._hear, level=level, format="{message}", backtrace=False, diagnose=False, catch=True)
        try:
            yield
        finally:
            logger.remove(sink)

    def last(self, path: str, limit: int) -> tuple[LogLine, ...]:
        """The last lines of a child, oldest first."""
        return tuple(self._lines.get(path, ()))[-limit:]

    def _hear(self, message: "Message") -> None:
        path = CHILD.get()
        if not path:
            return
        record = message.record
        lines = self._lines.setdefault(path, deque(maxlen=KEPT))
        lines.append(LogLine(record["time"].timestamp(), record["level"].name, one_line(record, LONGEST)))
        self._lines.move_to_end(path)
        if len(self._lines) > CHILDREN:
            self._lines.popitem(last=False)
