"""Writing to a standard stream past Python's buffer, whose lock a stuck write would hold."""

import os
import select
import sys
from collections.abc import Callable
from functools import partial
from typing import TextIO


def writer(stream: TextIO) -> Callable[[str], None]:
    """Return a function that writes text to `stream`, at once and all of it; it may block until the text is read.

    The process's own standard output and error are written to by their descriptors, for a thread that is stuck inside
    `sys.stderr` holds the lock of its buffer, and Python waits for that lock when the process ends. Any other object that the
    program has put in their place is written to by its own `write`.
    """
    if stream is not sys.__stderr__ and stream is not sys.__stdout__:
        return partial(_write_to_object, stream)
    return partial(_write_to_descriptor, stream.fileno(), stream.encoding)


def _write_to_object(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _write_to_descriptor(descriptor: int, encoding: str, text: str) -> None:
    """Write to a file, pipe or terminal, also if another process that shares it has set it to non-blocking."""
    rest = memoryview(text.encode(encoding, "backslashreplace"))
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            select.select((), (descriptor,), ())
