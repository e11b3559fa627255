"""The log of services under supervision goes through an outlet of otp: code that logs never waits for its reader."""

import atexit
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from otp.observe.fallback_log import AT_EXIT
from otp.observe.outlet import Outlet
from otp.observe.stdlib import hearing_stdlib
from otp.observe.stream_writer import writer
from otp.text.redaction import redact
from services.shared import logutil


@contextmanager
def log_outlet() -> Generator[Outlet]:
    """Let `LogUtil` write through an outlet while the block runs: bounded, in a thread, without secrets.

    Warnings of libraries that use the standard library's logging come as lines of the service too.
    """
    outlet = Outlet("stdout", writer(sys.stdout), form=logutil.line)
    with logutil.writing_to(outlet.put, redact), hearing_stdlib():
        try:
            yield outlet
        finally:
            outlet.close(AT_EXIT)


def keep_log_outlet() -> None:
    """Let `LogUtil` write through an outlet until the process ends: for trees that `otp run` loads.

    Nothing happens where standard output has been replaced.
    """
    if not _KEPT and sys.stdout is sys.__stdout__:
        stack = ExitStack()
        stack.enter_context(log_outlet())
        atexit.register(stack.close)
        _KEPT.append(stack)


_KEPT: list[ExitStack] = []
