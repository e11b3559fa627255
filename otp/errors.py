"""Everything that otp raises.

    OTPError
    ├── SpecError                  a spec that cannot be run; raised where it is built
    ├── LoadError                  there is no tree of that name to be had
    ├── HostError                  what a process needs beside its tree is not to be had
    ├── StartError                 a child did not come up; `.path`, `.exit`
    │   └── StartTimeout           … within its `start_timeout`
    ├── RequestError               the supervisor's answer to a request is no; `.path`
    │   ├── NoProc                 the supervisor is not running
    │   ├── NotFound               no such child
    │   ├── AlreadyStarted         a child of that id is up
    │   ├── AlreadyPresent         a child of that id is known, and not running
    │   ├── Running                not possible while the child is up
    │   ├── Restarting             not possible while the child is being restarted
    │   ├── MaxChildren            the dynamic supervisor is full
    │   ├── NotSupported           no meaning for this kind of child or supervisor
    │   └── FaultError             a fault cannot be injected there, or not like that
    ├── ControlError               the control plane cannot be used, or cannot be served
    │   └── PatternError           a pattern is longer than one may be
    ├── Hung                       a child with a watchdog gave no sign of life in time; `.path`, `.seconds`, `.chain`
    ├── FatalFailure               a failure that nothing is restarted for: the whole tree ends
    ├── CallbackError              `opened=` or `beside=` of a program failed, so its tree is stopped
    ├── SupervisionLost            a background task of the tree itself has ended, so the tree cannot supervise any more
    ├── IntensityReached           more restarts than `intensity` within `period`: the supervisor gives up
    └── ChildRefused               a child did not end when it was stopped; `.paths`

Two more are raised *by* children, to say how they mean to end:

    Ignore                         before being ready: leave me out, go on without me (OTP's `ignore`)
    ExitShutdown                   I end on purpose; not a crash (OTP's exit reason `shutdown`)
"""

from collections.abc import Sequence

from otp.text.frames import hanging_place

__all__ = (
    "AlreadyPresent",
    "AlreadyStarted",
    "CallbackError",
    "ChildRefused",
    "ControlError",
    "ExitShutdown",
    "FatalFailure",
    "FaultError",
    "HostError",
    "Hung",
    "Ignore",
    "IntensityReached",
    "LoadError",
    "MaxChildren",
    "NoProc",
    "NotFound",
    "NotSupported",
    "OTPError",
    "PatternError",
    "RequestError",
    "Restarting",
    "Running",
    "SpecError",
    "StartError",
    "StartTimeout",
    "SupervisionLost",
)


class OTPError(Exception):
    """What all errors of otp have in common."""


class SpecError(OTPError, ValueError):
    """A spec that cannot be run: what was expected, what was got, what to write instead."""


class LoadError(OTPError):
    """There is no tree to be had: what was asked for, what was found, what to write instead.

    Attributes:
        `__cause__`: what the module, the function or the config raised, if one of them did.
    """


class ControlError(OTPError):
    """The control plane cannot be used, or cannot be served."""


class PatternError(ControlError):
    """A pattern is longer than one may be."""

    def __init__(self, length: int, parts: int, *, longest: int, most_parts: int) -> None:
        super().__init__(
            f"a pattern may have {longest} characters and {most_parts} parts, and this one has {length} and {parts}; "
            "write ** for any number of ids"
        )


class HostError(OTPError):
    """What the process needs beside its tree is not to be had: its health port, for one. Nothing was started."""


class StartError(OTPError):
    """A child did not come up.

    Attributes:
        path: the child.
        `__cause__`: what it raised, if it raised something.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} did not start: {why}")
        self.path = path


class StartTimeout(StartError):
    """A child was not ready within its `start_timeout`, and was stopped."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__(path, f"not ready within start_timeout={seconds:g} s")


class RequestError(OTPError):
    """The supervisor's answer to a request is no.

    Attributes:
        path: the child or supervisor that was asked for.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


class NoProc(RequestError):
    """The supervisor is not running, or ended before it could answer (S47)."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "the supervisor is not running")


_LISTED = 20
"""Names of known children that a message lists."""


class NotFound(RequestError):
    """The supervisor has no such child."""

    def __init__(self, path: str, known: Sequence[str] = ()) -> None:
        more = len(known) - _LISTED
        listed = ", ".join(known[:_LISTED]) + (f" and {more} more" if more > 0 else "")
        hint = f"; it has {listed}" if known else ""
        super().__init__(path, f"no such child{hint}")


class AlreadyStarted(RequestError):
    """A child of that id is up (S49)."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "already started; terminate_child it first, or choose another id")


class AlreadyPresent(RequestError):
    """A child of that id is known, and down or being restarted (S49)."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "already present, but not running; restart_child it, or delete_child it first")


class Running(RequestError):
    """Not possible while the child is up (S51, S52)."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "is running; terminate_child it first")


class Restarting(RequestError):
    """Not possible while the child is being restarted (S36)."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "is being restarted; terminate_child ends that")


class MaxChildren(RequestError):
    """The dynamic supervisor has `max_children` children (E2)."""

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(path, f"already has max_children={limit} children")


class NotSupported(RequestError):
    """The request has no meaning for this kind of child or supervisor (S51, S52)."""

    def __init__(self, path: str, request: str, kind: str) -> None:
        super().__init__(path, f"{request} is not for {kind}")


class Hung(OTPError):
    """A child with a watchdog gave no sign of life within its time, and was stopped.

    Attributes:
        path: the child.
        seconds: for how long it was silent.
        chain: what it awaited then, outermost first, as `function (file:line)`.
        `__cause__`: what its `progress` raised, if it did.
    """

    def __init__(self, path: str, seconds: float, chain: tuple[str, ...]) -> None:
        place = hanging_place(chain, steps=1)
        where = f", in {place}" if place else ""
        super().__init__(f"{path} gave no sign of life for {round(seconds, 2):g} s{where}")
        self.path = path
        self.seconds = seconds
        self.chain = chain


class FaultError(RequestError):
    """A fault cannot be injected there, or not like that."""


class IntensityReached(OTPError):
    """More than `intensity` restarts within `period` seconds (S27): restarting does not help, the supervisor gives up.

    Attributes:
        path: the supervisor.
        offender: the child whose failure was one too many.
        `__cause__`: the offender's last error, if it raised one.
    """

    def __init__(self, path: str, offender: str, intensity: int, period: float) -> None:
        budget = f"{intensity} restart{'s'[: intensity != 1]} in {period:g} s"
        super().__init__(f"{path} gave up: {offender} ended once more after {budget}")
        self.path = path
        self.offender = offender


class FatalFailure(OTPError):
    """A failure that its policy calls fatal: nothing is restarted, the tree stops in order (exit code 78).

    Attributes:
        path: the supervisor of the child.
        offender: the child.
        verdict: what the failure was, by the policy.
        `__cause__`: what the child raised, if it raised something.
    """

    def __init__(self, path: str, offender: str, verdict: str) -> None:
        super().__init__(f"{offender} failed for good: {verdict}")
        self.path = path
        self.offender = offender
        self.verdict = verdict


class ChildRefused(OTPError):
    """Children that did not end when they were stopped. Python cannot kill a task; they still run.

    Attributes:
        paths: who refused.
    """

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(f"refused to stop: {', '.join(paths)}")
        self.paths = paths


class CallbackError(OTPError):
    """`opened=` or `beside=` of a program failed: its tree is stopped in order (exit code 70).

    Attributes:
        role: "opened=" or "beside=".
        name: of the function.
        `__cause__`: what it raised.
    """

    def __init__(self, role: str, name: str) -> None:
        super().__init__(f"{role} {name} failed, so the tree is stopped")
        self.role = role
        self.name = name


class SupervisionLost(OTPError):
    """A background task of the tree itself has ended before the tree. It could not supervise any more, so all children end.

    Attributes:
        path: the root of the tree.
        task: which of its tasks.
        `__cause__`: what ended it; None: it returned.
    """

    def __init__(self, path: str, task: str, how: str) -> None:
        super().__init__(
            f"background task {task} of {path} {how}; without it nothing is supervised, so all below it is ended"
        )
        self.path = path
        self.task = task


class Ignore(Exception):
    """Raised by a child before it is ready: do not run me, and go on without me (S12)."""


class ExitShutdown(Exception):
    """Raised by a child that ends on purpose, as OTP's exit reason `shutdown`: normal, not a crash."""
