"""Writing to a standard stream without getting stuck in Python's own buffer of it."""

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

__all__ = ("writer",)


def writer(stream: TextIO) -> Callable[[str], None]:
    """A function that writes text to `stream`, at once and all of it; it may block until the text is read.

    The process's own standard output and error are written to by their descriptor. A thread that is stuck inside
    `sys.stderr` holds the lock of its buffer, and Python waits for that lock when the process ends. What somebody has put
    in their place gets its own `write`.
    """
    if stream is not sys.__stderr__ and stream is not sys.__stdout__:
        return _Foreign(stream)
    return _Descriptor(stream.fileno(), stream.encoding)


class _Foreign:
    """Any object that is written to like a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class _Descriptor:
    """An open file, pipe or terminal. Another process that shares it may have set it to not block."""

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
