"""The standard library's logging, where the program has not set it up or has it write to standard error.

Its last resort writes warnings raw, in the thread that logs, and waits for the reader of standard error.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TextIO, cast

from loguru import logger

from otp.observe.outlet import Outlet
from otp.observe.sanitize import clean_lines


def hear_stdlib() -> None:
    """Pass records that no handler takes on to loguru, from WARNING up.

    It replaces `logging.lastResort`, so `logging.basicConfig` and its like still work, and then nothing is passed on.
    """
    logging.lastResort = _ToLoguru(logging.WARNING)


@contextmanager
def hearing_stdlib() -> Generator[None]:
    """Pass records that no handler takes on to loguru while the block runs."""
    before = logging.lastResort
    hear_stdlib()
    try:
        yield
    finally:
        logging.lastResort = before


def redirect(stream: TextIO, outlet: Outlet) -> None:
    """Make the root's handlers that write to `stream` write to `outlet`, in their own format."""
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler and cast("Any", handler).stream is stream:
            cast("Any", handler).setStream(_OutletStream(stream, outlet))
            handler.handleError = partial(_say_unformatted, outlet)  # type: ignore[method-assign] # its own writes raw


class _ToLoguru(logging.Handler):
    """Passes records on to loguru, whose sinks sanitize them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on. Its `event` is "logging", which no event of a tree is."""
        level = _LEVELS.get(record.levelno, record.levelno)
        bound = logger.bind(event="logging", logger=record.name).opt(exception=record.exc_info or None)
        with suppress(Exception):  # a sink of loguru that raises: callers of logging do not expect it
            bound.log(level, f"{record.name}  {_message(record)}")


_LEVELS = {logging.WARNING: "WARNING", logging.ERROR: "ERROR", logging.CRITICAL: "CRITICAL"}
"""Names that loguru has for these levels."""


def _say_unformatted(outlet: Outlet, record: logging.LogRecord) -> None:
    outlet.put(f"{clean_lines(f'{record.levelname}:{record.name}:{_message(record)}')}\n")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as wrong:  # noqa: BLE001 # a placeholder that does not fit, an argument that cannot be shown
        return f"{record.msg}  (its arguments do not fit: {type(wrong).__name__})"


class _OutletStream:
    """A stream for a `logging.StreamHandler`."""

    def __init__(self, stream: TextIO, outlet: Outlet) -> None:
        self._stream = stream
        self._outlet = outlet

    def write(self, text: str) -> None:
        """Take a formatted record: a message, and its traceback if it has one."""
        self._outlet.put(f"{clean_lines(text.rstrip())}\n")

    def flush(self) -> None:
        """Nothing waits here."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()
