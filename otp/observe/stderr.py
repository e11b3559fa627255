"""Standard error as a sink of the log that never waits for its reader."""

import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, redirect_stderr
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TextIO, cast

from loguru import logger

from otp.observe.fallback_log import AT_EXIT
from otp.observe.outlet import LONGEST, Outlet
from otp.observe.sanitize import clean_lines, whole
from otp.observe.stdlib import hear_stdlib, redirect
from otp.observe.stream_writer import writer

if TYPE_CHECKING:
    from loguru import Message


_END = f"\0{token_hex(8)}"
"""Ends the head of our format: random, so that no worker's text can contain it."""


def add_stderr(head: str, *, level: str, colorize: bool | None) -> None:
    """Make standard error a sink of loguru, for loguru's own lines and for those of the standard library's logging.

    Args:
        head: what stands before the message, in loguru's format.
        level: the least that is written.
        colorize: whether lines have colours; None: if it is a terminal.
    """
    sink = StderrSink(sys.stderr)
    # A function, as loguru would add the exception, unsanitized, to a format that is text.
    form = head + _END
    logger.add(sink, format=lambda _: form, level=level, colorize=colorize, backtrace=False, diagnose=False)
    redirect(sys.stderr, sink.outlet)
    hear_stdlib()
    _SINKS.append(sink)


@contextmanager
def unblocked_stderr() -> Generator[None]:
    """Send all that the block writes to `sys.stderr` through the outlet of the log, if there is one, unchanged.

    Warnings, the tracebacks of `__del__`, loguru's own report of a sink that raised, a worker's `print`: without a reader
    each of them would block the event loop.
    """
    stream = sys.stderr
    sink = next((sink for sink in _SINKS if sink.stream is stream), None)
    if sink is None:
        yield
        return
    with redirect_stderr(cast("TextIO", _Stderr(stream, sink.outlet))):
        yield


class StderrSink:
    """A stream for loguru, which writes the head of each line; the message is sanitized here.

    Attributes:
        stream: what it writes to.
        outlet: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self.outlet = Outlet("stderr", writer(stream), form=_form)
        self.stream = stream

    def write(self, message: "Message") -> None:
        """Take a record."""
        head = message.removesuffix(_END)
        if head == message:  # `opt(raw=True)`: all of it is the worker's
            self.outlet.put(f"{clean_lines(message.rstrip())}\n")
        else:
            self.outlet.put(f"{head}{whole(message.record)}\n")

    def isatty(self) -> bool:
        """Return whether it is a terminal; loguru asks, to choose colours."""
        return self.stream.isatty()

    def stop(self) -> None:
        """Write what waits, for `AT_EXIT` seconds. loguru calls this when the sink is removed, and when the process ends.

        The outlet stays open, for prints and for other sinks that write to `sys.stderr`.
        """
        self.outlet.flush(AT_EXIT)


class _Stderr:
    """In place of `sys.stderr`, with all its attributes: writing puts text into the outlet and never waits."""

    def __init__(self, stream: TextIO, outlet: Outlet) -> None:
        self._stream = stream
        self._outlet = outlet
        self._begun = ""

    def write(self, text: str) -> int:
        """Take a text. The beginning of a line waits for the end of the line or for `flush`, as in `sys.stderr`."""
        lines, end, self._begun = f"{self._begun}{text}".rpartition("\n")
        if end:
            self._outlet.put(f"{lines}\n")
        if len(self._begun) > LONGEST:
            self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Take some."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on the line that was begun."""
        begun, self._begun = self._begun, ""
        if begun:
            self._outlet.put(begun)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_SINKS: list[StderrSink] = []


def _form(level: str, text: str) -> str:
    """Return a line that looks like a record's, for the outlet's own messages."""
    now = datetime.now().astimezone()
    return f"{now:%H:%M:%S}.{now.microsecond // 1_000:03} {level: <8} {text}\n"
