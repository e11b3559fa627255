"""The spec of a worker."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from otp.checks import values as checks
from otp.errors import SpecError
from otp.policy import FailurePolicy
from otp.spec.fields import check_child, check_flag
from otp.spec.options import DEFAULT_SHUTDOWN, Cancel, Grace, Restart
from otp.text.quoting import quoted
from otp.watchdog import Watchdog


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One worker: a coroutine function and how it is supervised. Built by `worker()`, which describes the fields."""

    id: str
    run: Callable[..., Awaitable[object]]
    args: tuple[Any, ...] = ()
    restart: Restart = Restart.PERMANENT
    shutdown: Grace = DEFAULT_SHUTDOWN
    significant: bool = False
    ready: bool = False
    start_timeout: float | None = None
    policy: FailurePolicy | None = None
    needs: tuple[str, ...] = ()
    watchdog: Watchdog | None = None
    cancel: Cancel = "once"

    def __post_init__(self) -> None:
        check_child(self)
        check_flag("ready", self.ready, self.id)
        if not callable(self.run):
            raise SpecError(
                f"worker({quoted(self.id)}) expects a coroutine function and its arguments, got {quoted(self.run)}; "
                f"write worker({quoted(self.id)}, run, arg, …) and leave the call to the supervisor"
            )
        if type(self.args) is not tuple:
            checks.keep(self, "args", checks.arguments(f"args of worker {quoted(self.id)}", self.args))
        _check_start_timeout(self)
        if type(self.needs) is not tuple or self.needs:
            checks.keep(self, "needs", _as_names(self.id, self.needs))
        _check_cancel(self.id, self.cancel)
        if self.watchdog is not None and not checks.is_a(self.watchdog, Watchdog):
            raise _no_watchdog(self.id, self.watchdog)

    def without_args(self) -> "ChildSpec":
        """The spec without its arguments, as it is kept for a temporary child (S60)."""
        return replace(self, args=()) if self.args else self


def _check_start_timeout(spec: ChildSpec) -> None:
    if spec.start_timeout is None:
        return
    if not spec.ready:
        raise SpecError(
            f"start_timeout={quoted(spec.start_timeout)} of worker {quoted(spec.id)} has nothing to wait for; "
            "add ready=True and call task_status.started() in the worker"
        )
    what = f"start_timeout of worker {quoted(spec.id)}"
    timeout = checks.bounded(what, spec.start_timeout, "seconds above 0", checks.ABOVE_0, math.inf)
    checks.keep(spec, "start_timeout", timeout)


def _check_cancel(id: str, cancel: object) -> None:
    if type(cancel) is not str or cancel not in ("once", "scope"):
        raise SpecError(f"cancel of worker {id!r}: expected 'once' or 'scope', got {quoted(cancel)}")


def _as_names(owner: str, names: object) -> tuple[str, ...]:
    if checks.is_nothing(names):
        return ()
    what = f"needs of {quoted(owner)}"
    if checks.text(names):
        raise checks.wrong(what, "names of dependencies", names, f"write needs=({quoted(names)},)")
    listed = checks.each(what, names, "names of dependencies", "write needs=(…,)")
    return tuple(checks.name(what, one) for one in listed)


def as_watchdog(owner: str, watchdog: float | Watchdog | None) -> Watchdog | None:
    """The watchdog of the worker `owner`, which may be given as seconds."""
    if watchdog is None or checks.is_a(watchdog, Watchdog):
        return cast("Watchdog | None", watchdog)
    found = checks.number(watchdog)
    if not checks.SHORTEST <= found <= checks.FINITE:
        raise _no_watchdog(owner, watchdog)
    return Watchdog(within=found)


def _no_watchdog(owner: str, got: object) -> SpecError:
    expected = f"finite seconds, {checks.SHORTEST:g} or more, or a Watchdog"
    return checks.wrong(f"watchdog of worker {quoted(owner)}", expected, got)
