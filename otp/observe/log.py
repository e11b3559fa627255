"""The log: one line when something happens, none while all is well.

    09:30:00.412 WARNING  massive/workers/ws_worker  restarting after ProviderClosed: 1012  (1 of 5 in 60 s)
    09:30:00.416 INFO     massive/workers/ws_worker  up again after 4.2 ms

A child's message is data and never a format, and an exception arrives as text: `diagnose` stays off, so no local value
gets into a log. Each record carries `path`, `event`, `generation`, `verdict` and `frames` as extra, for sinks that want more
than the line.
"""

import os

from loguru import logger as loguru

from otp.events import Event, LoopBlocked, LoopFreed
from otp.exits import Crash
from otp.observe.logger import logger
from otp.observe.sentences import Level, Sentence, crash_of, sentence
from otp.observe.stderr import add_stderr

HEAD = "{time:HH:mm:ss.SSS} <level>{level: <8}</level> "
"""What stands before a message."""

FORMAT = HEAD + "{message}"
"""A line of the log; the message begins with the path."""


def log_events() -> "Log":
    """Return an event hook that writes each event to loguru's sinks.

    Healthy operation is at DEBUG; see `otp.observe.sentences` for the levels.
    """
    return Log()


def open_stderr() -> bool:
    """Write the log to standard error, unless the program has set up loguru; return whether it is written.

    A program that has set up loguru has removed loguru's own sink. Else this one replaces it, with INFO and above instead of
    DEBUG, and without the values of variables in tracebacks. The environment may set `LOGURU_LEVEL` and `NO_COLOR`.

    Lines go through an `Outlet`, so logging never waits for the reader of standard error. So do lines of the standard
    library's logging that no handler takes, or that a handler writes to standard error. What children log is sanitized.
    """
    if "LOGURU_AUTOINIT" in os.environ:  # then loguru may have no sink of its own, and 0 may be one of the program's
        return False
    try:
        loguru.remove(0)
    except ValueError:
        return False
    level = os.environ.get("LOGURU_LEVEL", "INFO")
    colorize = False if os.environ.get("NO_COLOR") else None  # None: if it is a terminal
    add_stderr(HEAD, level=level, colorize=colorize)
    return True


def tell(level: Level, path: str, text: str, **extra: object) -> None:
    """Write a line about `path` to loguru's sinks."""
    logger.bind(path=path, **extra).log(level, f"{path}  {text}")


class Log:
    """An event hook that writes each event as one line.

    It stays attached when it raises, and the failures of other hooks are written by it.
    """

    lasting = True
    writes_log = True

    def __call__(self, event: Event) -> None:
        """Write an event. Of a blocked loop the watching thread has written already: see `write`."""
        if not isinstance(event, LoopBlocked | LoopFreed):
            self.write(event)

    def write(self, event: Event) -> None:
        """Write an event now, from any thread: while the event loop is blocked, no hook is called."""
        said = sentence(event)
        crash = crash_of(event)
        tell(
            said.level,
            event.path,
            said.text,
            event=type(event).__struct_config__.tag,
            generation=getattr(event, "generation", None),
            verdict=getattr(event, "verdict", None),
            frames=_frames(crash) or getattr(event, "stack", ()),
        )

    def say(self, path: str, said: Sentence) -> None:
        """Write a line that is not about an event."""
        tell(said.level, path, said.text)


def _frames(crash: Crash | None) -> tuple[str, ...]:
    if crash is None:
        return ()
    return tuple(frame for part in crash.leaves or (crash,) for frame in part.frames)
