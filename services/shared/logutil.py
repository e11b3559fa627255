"""The log of a service: `[iso-ts][svc][LEVEL]emoji msg`, one line for each message, on stdout.

Two worlds call it: services that write `logger.ok("ready", emoji="✅")`, and libraries that write
`logger.info("%d frames", n)`. `LogUtil` takes both. `adapted` turns a `logging.Logger` into what the first world
expects.

A service under supervision has its lines written by the outlet of otp, see `services.shared.log_outlet`: then nobody who
logs waits for the reader, and secrets are taken out. This module knows nothing of otp, as the workers that call it.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final, Protocol

from loguru import logger as _loguru

LEVELS: Final = {"DEBUG": 10, "INFO": 20, "OK": 25, "WARN": 30, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}

_TRACE_LINES: Final = 200
"""Lines of a traceback that are shown: the last, for the exception stands at its end."""

_TRACE_WIDTH: Final = 2_000
"""Characters of each of them."""

_FORMAT: Final = (
    "[{time:YYYY-MM-DDTHH:mm:ss.SSSZ}][{extra[service]}][{extra[severity]}]{extra[emoji]} {extra[said]}{extra[trace]}\n"
)


class Log(Protocol):
    """What services call to log."""

    def debug(self, message: object, *args: object, emoji: str = "") -> None:
        """Say what only a developer wants to know."""
        ...

    def info(self, message: object, *args: object, emoji: str = "") -> None:
        """Say what happened as planned."""
        ...

    def ok(self, message: object, *args: object, emoji: str = "") -> None:
        """Say that something works again, or at last."""
        ...

    def warning(self, message: object, *args: object, emoji: str = "") -> None:
        """Say what somebody should look at."""
        ...

    def error(self, message: object, *args: object, emoji: str = "") -> None:
        """Say what failed."""
        ...


class LogUtil:
    """The log of one service; works from its construction on, `configure_from_config` sets its level.

    Args:
        service_name: stands in each line.

    Raises:
        ValueError: the environment's LOG_LEVEL is no level.
    """

    def __init__(self, service_name: str) -> None:
        self._name(service_name, _level(os.environ.get("LOG_LEVEL", "INFO")))
        _open_stdout()

    def configure_from_config(self, config: Mapping[str, Any]) -> None:
        """Take name and LOG_LEVEL from the config of `SetupBase`; LOG_LEVEL in the environment wins.

        Raises:
            ValueError: LOG_LEVEL is no level.
        """
        level = os.environ.get("LOG_LEVEL") or str(config.get("LOG_LEVEL") or "INFO")
        self._name(str(config["service_name"]), _level(level))

    def _name(self, service: str, threshold: int) -> None:
        self._log = _loguru.bind(service=_harmless(service))
        self._threshold = threshold
        _latest.service, _latest.threshold = _harmless(service), threshold

    def debug(self, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Say what only a developer wants to know."""
        self._write("DEBUG", message, args, emoji, extra)

    def info(self, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Say what happened as planned."""
        self._write("INFO", message, args, emoji, extra)

    def ok(self, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Say that something works again, or at last."""
        self._write("OK", message, args, emoji, extra)

    def warning(self, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Say what somebody should look at."""
        self._write("WARNING", message, args, emoji, extra)

    warn = warning

    def error(self, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Say what failed."""
        self._write("ERROR", message, args, emoji, extra)

    def critical(self, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Say what ends the service."""
        self._write("CRITICAL", message, args, emoji, extra)

    def exception(self, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Say what failed, with the traceback of the exception that is being handled."""
        self._write("ERROR", message, args, emoji, {"exc_info": True} | extra)

    def log(self, level: int | str, message: object, *args: object, emoji: str = "", **extra: Any) -> None:
        """Log at a level of the standard library."""
        self._write(_name(level), message, args, emoji, extra)

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 (the name that logging.Logger gave it)
        """Answer as `logging.Logger` does."""
        return level >= self._threshold

    def _write(
        self, severity: str, message: object, args: tuple[object, ...], emoji: str, extra: Mapping[str, Any]
    ) -> None:
        if LEVELS[severity] < self._threshold:
            return
        text = _harmless(_filled(message, args))
        lines = self._log.bind(severity=severity, emoji=_harmless(emoji), trace=_trace(extra.get("exc_info")))
        lines.log("SUCCESS" if severity == "OK" else severity, text)


class StdlibLog:
    """A `logging.Logger` behind the calls of `LogUtil`: the emoji goes before the message, `ok` is INFO."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, message: object, *args: object, emoji: str = "") -> None:
        """Pass on as DEBUG."""
        self._logger.debug(*_with_emoji(emoji, message, args))

    def info(self, message: object, *args: object, emoji: str = "") -> None:
        """Pass on as INFO."""
        self._logger.info(*_with_emoji(emoji, message, args))

    ok = info

    def warning(self, message: object, *args: object, emoji: str = "") -> None:
        """Pass on as WARNING."""
        self._logger.warning(*_with_emoji(emoji, message, args))

    warn = warning

    def error(self, message: object, *args: object, emoji: str = "") -> None:
        """Pass on as ERROR."""
        self._logger.error(*_with_emoji(emoji, message, args))


def adapted(logger: Log | logging.Logger) -> Log:
    """Make any of the two kinds of logger usable as a service's log."""
    return StdlibLog(logger) if isinstance(logger, logging.Logger) else logger


class _Sink:
    """Standard output as it is at the moment of writing, which a redirection may have changed; or what `writing_to` says."""

    def __init__(self) -> None:
        self.put: Callable[[str], object] = self._print
        self.clean: Callable[[str], str] = str

    def write(self, message: str) -> None:
        """Write one record."""
        if not message[:-1].isprintable():  # a traceback; or `opt(raw=True)`, and then it is anything
            message = "\n".join(map(_harmless, message.split("\n")))
        self.put(self.clean(message))

    def _print(self, text: str) -> None:
        sys.stdout.write(text)


class _Latest:
    """Name and level of the service that set up its log last, for the lines of its supervision tree."""

    service = ""
    threshold = LEVELS["INFO"]


_latest = _Latest()
_sinks: list[int] = []
_sink = _Sink()


@contextmanager
def writing_to(put: Callable[[str], object], clean: Callable[[str], str]) -> Generator[None]:
    """Hand each record to `put` while the block runs, after `clean` has taken the secrets out of it.

    Args:
        put: takes a record as text, with its line ends. It must not wait.
        clean: takes and gives a text.
    """
    before = _sink.put, _sink.clean
    _sink.put, _sink.clean = put, clean
    try:
        yield
    finally:
        _sink.put, _sink.clean = before


def line(level: str, text: str) -> str:
    """A line of the service that set up its log last, for what is said past the log."""
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return f"[{now}][{_latest.service}][{level}] {_harmless(text)}\n"


def _open_stdout() -> None:
    # loguru's sinks belong to the process, so there is one here whatever number of services the process holds.
    if _sinks:
        return
    with suppress(ValueError):  # somebody else has removed it already
        _loguru.remove(0)  # loguru's own sink shows the values of variables in tracebacks
    _sinks.append(
        _loguru.add(
            _sink,
            format=lambda _: _FORMAT,  # a function: to a text loguru adds the exception as it is
            filter=_belongs_here,
            level=0,
            colorize=False,
            backtrace=False,
            diagnose=False,
        )
    )


def _belongs_here(record: Any) -> bool:
    """Whether a line is ours: a service wrote it, or the supervision tree did, which knows of no service and no emoji."""
    extra = record["extra"]
    extra["said"] = _harmless(record["message"])
    if "severity" not in extra and "event" in extra:
        trace = _trace(record["exception"].value) if record["exception"] is not None else ""
        extra |= {"service": _latest.service, "severity": record["level"].name, "emoji": "", "trace": trace}
        return bool(record["level"].no >= _latest.threshold)
    return "severity" in extra


def _level(name: str) -> int:
    try:
        return LEVELS[name.strip().upper()]
    except KeyError:
        raise ValueError(
            f"LOG_LEVEL must be one of {', '.join(LEVELS)}; got {name!r}; write for example INFO"
        ) from None


def _name(level: int | str) -> str:
    number = level if isinstance(level, int) else _level(level)
    return next((name for name, least in reversed(LEVELS.items()) if number >= least and name != "WARN"), "DEBUG")


def _filled(message: object, args: tuple[object, ...]) -> str:
    text = str(message)
    if not args:
        return text
    try:
        return text % (args[0] if len(args) == 1 and isinstance(args[0], Mapping) else args)
    except (TypeError, ValueError, KeyError):
        return f"{text} {args!r}"  # a wrong placeholder costs the placeholder, neither the message nor the worker


def _with_emoji(emoji: str, message: object, args: tuple[object, ...]) -> tuple[object, ...]:
    return (f"{emoji} {message}" if emoji else message, *args)


def _harmless(text: str) -> str:
    """One line, with an escape for each character that is none to read: controls, and what turns the writing round."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _trace(exc_info: object) -> str:
    # Each line is marked, so that nothing in an exception's text can pass for a line of the log.
    error = sys.exception() if exc_info is True or isinstance(exc_info, tuple) else exc_info
    if not isinstance(error, BaseException):
        return ""
    try:
        lines = "".join(traceback.format_exception(error)).splitlines()
    except BaseException as broken:  # noqa: BLE001 # of the exception's own code, or groups in groups without end
        lines = [f"{type(error).__qualname__}, which cannot be shown: {type(broken).__qualname__}"]
    return "".join(f"\n  | {_harmless(line[:_TRACE_WIDTH])}" for line in lines[-_TRACE_LINES:])
