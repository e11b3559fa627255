"""How a supervisor answers requests: one function each, by the state of the child (S49-S52).

A request that meets a child on its way down waits until the child is gone and is then handled as if it came anew.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from otp.core.child import WAITING, Child, ChildState, Purpose
from otp.core.inputs import (
    DeleteChild,
    Maintenance,
    Replace,
    Request,
    RestartChild,
    RestartNow,
    StartChild,
    TerminateChild,
)
from otp.core.paths import join
from otp.core.plan import stopped_early
from otp.errors import (
    AlreadyPresent,
    AlreadyStarted,
    ChildRefused,
    MaxChildren,
    NotFound,
    NotSupported,
    Restarting,
    Running,
)
from otp.events import Cause, ChildReplaced
from otp.exits import Shutdown
from otp.spec import Restart

if TYPE_CHECKING:
    from otp.core.machine import SupervisorMachine

__all__ = ("ANSWERS", "not_found")

_PARKED = (ChildState.FAILED, ChildState.PAUSED)
_UNDECIDED = (ChildState.EXITED, ChildState.PENDING)


def start_child(machine: "SupervisorMachine", request: StartChild) -> None:
    """Add a child behind the others and start it, also while a plan is at work (S49, D4).

    Not waiting for the plan keeps a child that calls this while it starts from waiting for itself.
    """
    spec = request.spec
    path = join(machine.path, spec.id)
    known = machine.children.get(spec.id)
    limit = machine.spec.max_children
    if known is not None and known.state is ChildState.STOPPING:
        known.wait(request)
    elif known is not None:
        up = known.is_up and not known.is_restarting
        machine.reply(request, AlreadyStarted(path) if up else AlreadyPresent(path))
    elif limit is not None and len(machine.children) >= limit:
        machine.reply(request, MaxChildren(machine.path, limit))
    else:
        child = machine.children[spec.id] = machine.new_child(spec)
        child.token = request.token
        machine.start(child, Purpose.START_CHILD)


def terminate_child(machine: "SupervisorMachine", request: TerminateChild) -> None:
    """Stop a child; also a start, a restart or a retry that is under way. It wins over all of them (S36, S48, S50)."""
    child = machine.children.get(request.child)
    if child is None:
        not_found(machine, request)
    elif child.state is ChildState.REFUSED:
        child.revive = False
        machine.reply(request, ChildRefused((child.path,)))
    elif child.is_up:
        machine.withdraw(child)
        child.wait(request)
        if child.state is not ChildState.STOPPING and not child.doomed:
            machine.stop(child)
    else:
        _terminate_down(machine, child)
        machine.reply(request, None)


def _terminate_down(machine: "SupervisorMachine", child: Child) -> None:
    """See that a child that is down stays down."""
    if child.state is ChildState.EXITED:
        machine.overtake(child)
    waited = child.state in WAITING
    if waited or child.state in _PARKED:
        machine.emit_exited(child, Shutdown(), asked=True)
    machine.wait_no_more(child)
    child.left_behind = False
    child.down_since = None
    machine.answer(child, stopped_early(child))
    machine.withdraw(child)
    if machine.plan is not None:
        machine.plan.drop(child)
    forgets = machine.spec.dynamic or child.spec.restart is Restart.TEMPORARY
    if forgets and child.spec.id in machine.children:
        machine.forget(child)
    if waited:  # a startup may have waited with it
        machine.awaited_no_more(child)


def restart_child(machine: "SupervisorMachine", request: RestartChild) -> None:
    """Start a child that is down (S51). A failure is the answer; the child stays down."""
    child = _down(machine, request)
    if child is not None:
        child.parked = child.state is ChildState.FAILED
        child.token = request.token
        machine.start(child, Purpose.RESTART_CHILD)


def delete_child(machine: "SupervisorMachine", request: DeleteChild) -> None:
    """Forget a child that is down (S52)."""
    child = _down(machine, request)
    if child is not None:
        machine.forget(child)
        machine.reply(request, None)


def restart_now(machine: "SupervisorMachine", request: RestartNow) -> None:
    """Stop a child, wait until it is gone, start it fresh: counted as manual, at no cost in intensity."""
    child = machine.children.get(request.child)
    plan = machine.plan
    if child is None:
        not_found(machine, request)
    elif child.spec.restart is Restart.TEMPORARY:
        machine.reply(request, NotSupported(child.path, "restart", "temporary children, which are never restarted"))
    elif child.state is ChildState.REFUSED:
        child.revive = True
        machine.reply(request, ChildRefused((child.path,)))
    elif child.state is ChildState.STOPPING:
        child.wait(request)
    elif plan is not None and plan.awaited is not child and (machine.grouped or child.state in _UNDECIDED):
        machine.defer(request)
    elif plan is None and machine.grouped:
        machine.restart_group(child, Cause.MANUAL, None, request.token)
    else:
        _restart_alone(machine, child, request)


def replace(machine: "SupervisorMachine", request: Replace) -> None:
    """Give a child another spec; whoever starts it next, for whatever reason, uses that one."""
    child = machine.children.get(request.child)
    if child is None:
        not_found(machine, request)
    else:
        child.take(request.spec)
        machine.spec = machine.spec.with_child(request.spec)
        machine.emit(ChildReplaced(path=child.path, at=machine.now, healthy_after=child.healthy_after))
        machine.reply(request, None)


def _restart_alone(machine: "SupervisorMachine", child: Child, request: RestartNow) -> None:
    if child.is_up:
        child.wait(request)
        machine.stop(child)
    else:
        machine.wait_no_more(child)
        machine.restart_one(child, Cause.MANUAL, None, request.token)


def _down(machine: "SupervisorMachine", request: RestartChild | DeleteChild) -> Child | None:
    """The child, if it is down for good; otherwise the request has been answered, or waits."""
    child = machine.children.get(request.child)
    if machine.spec.dynamic:
        name = "restart_child" if isinstance(request, RestartChild) else "delete_child"
        machine.reply(request, NotSupported(join(machine.path, request.child), name, _DYNAMIC))
    elif child is None:
        not_found(machine, request)
    elif child.state is ChildState.STOPPING:
        child.wait(request)
    elif child.is_restarting or child.state in _UNDECIDED or _is_planned(machine, child):
        machine.reply(request, Restarting(child.path))
    elif child.is_up:
        machine.reply(request, Running(child.path))
    else:
        return child
    return None


def _is_planned(machine: "SupervisorMachine", child: Child) -> bool:
    return machine.plan is not None and not child.is_up and child in machine.plan.to_start


_DYNAMIC = "dynamic supervisors, which keep no children that are down"


def not_found(
    machine: "SupervisorMachine",
    request: TerminateChild | RestartChild | DeleteChild | RestartNow | Replace | Maintenance,
) -> None:
    """There is no such child, only these."""
    machine.reply(request, NotFound(join(machine.path, request.child), tuple(machine.children)))


ANSWERS: dict[type[Request], Callable[["SupervisorMachine", Any], None]] = {
    StartChild: start_child,
    TerminateChild: terminate_child,
    RestartChild: restart_child,
    DeleteChild: delete_child,
    RestartNow: restart_now,
    Replace: replace,
}
