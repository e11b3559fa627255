"""Writing to a standard stream past Python's buffer, whose lock a stuck write would hold."""

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO


def writer(stream: TextIO) -> Callable[[str], None]:
    """Return a function that writes text to `stream`, at once and all of it; it may block until the text is read.

    The process's own standard output and error are written to by their descriptors, for a thread that is stuck inside
    `sys.stderr` holds the lock of its buffer, and Python waits for that lock when the process ends. Any other object that the
    program has put in their place is written to by its own `write`.
    """
    if stream is not sys.__stderr__ and stream is not sys.__stdout__:
        return _Foreign(stream)
    return _Descriptor(stream.fileno(), stream.encoding)


class _Foreign:
    """Writes to any object that has the methods of a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class _Descriptor:
    """Writes to a file, pipe or terminal, also if another process that shares it has set it to non-blocking."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding

    def __call__(self, text: str) -> None:
        rest = memoryview(text.encode(self._encoding, "backslashreplace"))
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select((), (self._descriptor,), ())
