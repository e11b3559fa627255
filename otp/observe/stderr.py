"""Standard error as a sink of the log: nobody who logs waits for whoever reads it."""

import sys
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING, TextIO

from loguru import logger

from otp.observe.last_words import AT_EXIT
from otp.observe.lines import clean_lines, whole
from otp.observe.outlet import Outlet
from otp.observe.stdlib import hear_stdlib, redirect
from otp.observe.stream import writer

if TYPE_CHECKING:
    from loguru import Message

__all__ = ("StderrSink", "add_stderr")

_END = f"\0{token_hex(8)}"
"""Stands behind a head of our format, and is nothing that a worker could have written."""


def add_stderr(head: str, *, level: str, colorize: bool | None) -> None:
    """Make standard error a sink of loguru, for loguru's own lines and for those of the standard library's logging.

    Args:
        head: what stands before the message, in loguru's format.
        level: the least that is written.
        colorize: None: if it is a terminal.
    """
    sink = StderrSink(sys.stderr)
    # A function: to a format that is text loguru adds the exception's own, which nobody has cleaned.
    form = head + _END
    logger.add(sink, format=lambda _: form, level=level, colorize=colorize, backtrace=False, diagnose=False)
    redirect(sys.stderr, sink.outlet)
    hear_stdlib()


class StderrSink:
    """A stream for loguru: what stands before a message comes from there, the message itself is cleaned here.

    Attributes:
        outlet: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self.outlet = Outlet("stderr", writer(stream), form=_form)
        self._stream = stream

    def write(self, message: "Message") -> None:
        """Take a record."""
        head = message.removesuffix(_END)
        if head == message:  # `opt(raw=True)`: all of it is the worker's
            self.outlet.put(f"{clean_lines(message.rstrip())}\n")
        else:
            self.outlet.put(f"{head}{whole(message.record)}\n")

    def isatty(self) -> bool:
        """Whether it is a terminal; loguru asks, for the colours."""
        return self._stream.isatty()

    def stop(self) -> None:
        """Write what waits, at most for a moment. loguru calls this when the sink is removed, and when the process ends."""
        self.outlet.close(AT_EXIT)


def _form(level: str, text: str) -> str:
    """A line that is no record, as a record would look."""
    now = datetime.now().astimezone()
    return f"{now:%H:%M:%S}.{now.microsecond // 1_000:03} {level: <8} {text}\n"
