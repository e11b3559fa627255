"""Scenarios in our own terms: specs, errors and exits, and the words that a trace uses for them."""

import math
from collections.abc import Awaitable, Callable

from otp import errors
from otp.core.child import Child, ChildState
from otp.errors import ExitShutdown, SpecError
from otp.exits import Crashed, Exit, Killed, Normal, Refused, Shutdown
from otp.runtime.inspect import count_children
from otp.spec import AnySpec, ChildSpec, Grace, SupervisorSpec
from tests.conformance import scenario
from tests.conformance.scenario import Dynamic, How, Node, OnStop, Supervisor, Worker
from tests.conformance.trace import Answer

REFUSAL = 1e-4
"""Seconds that a worker which refuses is given; so short that no whole second passes (D1)."""

ENOUGH = 5.0
"""Seconds that all others never need."""

Run = Callable[..., Awaitable[object]]


def spec(node: Node, run: Run) -> AnySpec:
    """The spec of a node. Its workers run `run(worker)`.

    Raises:
        SpecError: the scenario asks for what cannot be, on purpose.
    """
    match node:
        case Worker(id, restart, shutdown, significant, on_stop, ready):
            return ChildSpec(
                id=id,
                run=run,
                args=(node,),
                restart=restart,
                shutdown=_grace(shutdown, on_stop),
                significant=significant,
                ready=ready,
            )
        case Dynamic(id, _, intensity, period, restart, significant):
            return SupervisorSpec(
                id=id,
                dynamic=True,
                intensity=intensity,
                period=float(period),
                restart=restart,
                significant=significant,
            )
        case Supervisor(id, children, strategy, intensity, period, auto, restart, significant):
            return SupervisorSpec(
                id=id,
                children=tuple(spec(child, run) for child in children),
                strategy=strategy,
                intensity=intensity,
                period=float(period),
                auto_shutdown=auto,
                restart=restart,
                significant=significant,
            )


def _grace(shutdown: scenario.Shutdown, on_stop: OnStop) -> Grace:
    match shutdown:
        case scenario.Shutdown.BRUTAL_KILL:
            return "brutal_kill"
        case scenario.Shutdown.INFINITY:
            return math.inf
        case scenario.Shutdown.FINITE:
            return REFUSAL if on_stop is OnStop.REFUSE else ENOUGH


def error_of(how: How) -> BaseException | None:
    """What a worker raises to end so; None: it returns."""
    match how:
        case How.CRASH:
            return RuntimeError("crash")
        case How.NORMAL:
            return None
        case How.SHUTDOWN:
            return ExitShutdown
        case How.DETAIL:
            return ExitShutdown("detail")


def exit_of(how: How) -> Exit:
    """How a worker that ends so has ended."""
    match how:
        case How.CRASH:
            return Crashed(RuntimeError("crash"))
        case How.NORMAL:
            return Normal()
        case How.SHUTDOWN:
            return Shutdown()
        case How.DETAIL:
            return Shutdown("detail")


def reason(exit: Exit) -> str:
    """OTP's word for the way in which a worker ended."""
    match exit:
        case Normal():
            return "normal"
        case Shutdown(detail):
            return "detail" if detail else "shutdown"
        case Killed():
            return "killed"
        case Crashed() | Refused():
            return "crash"


def reason_of_supervisor(exit: Exit) -> str:
    """The same for a supervisor, of which OTP knows two ends."""
    return "killed" if isinstance(exit, Killed) else "shutdown"


_ANSWERS = {
    errors.AlreadyPresent: "already_present",
    errors.AlreadyStarted: "already_started",
    errors.NoProc: "noproc",
    errors.NotFound: "not_found",
    errors.NotSupported: "simple_one_for_one",
    errors.Restarting: "restarting",
    errors.Running: "running",
    errors.StartError: "failed",
    SpecError: "bad_spec",
}


def answer(result: object, *, gives_value: bool) -> Answer:
    """OTP's word for the answer to a request.

    Args:
        result: what came back.
        gives_value: the request starts a worker that gives a value when it is up; none means that it was ignored.
    """
    if isinstance(result, Exception):
        return _ANSWERS[type(result)]
    return "ignored" if gives_value and result is None else "ok"


def gives_value(spec: AnySpec) -> bool:
    """Whether a child gives a value when it is up."""
    return isinstance(spec, ChildSpec) and spec.ready


def which(children: dict[str, Child]) -> list[list[str]]:
    """The children and their states, in start order."""
    return [[id, _STATES[child.state]] for id, child in children.items()]


def counts(children: dict[str, Child]) -> list[int]:
    """Specs, active, supervisors, workers."""
    of = count_children(children)
    return [of.specs, of.active, of.supervisors, of.workers]


def described(spec: AnySpec) -> list[object]:
    """What `get_childspec` says."""
    shutdown = {math.inf: "infinity", "brutal_kill": "brutal_kill"}.get(spec.shutdown, "finite")
    kind = "supervisor" if isinstance(spec, SupervisorSpec) else "worker"
    return [str(spec.restart), shutdown, str(spec.significant).lower(), kind]


_STATES = {
    ChildState.RUNNING: "up",
    ChildState.STOPPED: "down",
    ChildState.DONE: "down",
    ChildState.RESTARTING: "restarting",
}
