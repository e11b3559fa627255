"""How a supervisor answers requests: one function each, by the state of the child (S49-S52).

A request about a child that is stopping waits until the child has ended, and is then handled as if it had just come.
"""

from collections.abc import Callable
from typing import Any

from otp import errors
from otp.core import inputs
from otp.core.child import WAITING, Child, ChildState, Purpose
from otp.core.paths import join
from otp.core.plan import PlannedRoster, stopped_early
from otp.events import Cause, ChildReplaced
from otp.exits import Shutdown
from otp.spec import Restart

_PARKED = (ChildState.FAILED, ChildState.PAUSED)
_UNDECIDED = (ChildState.EXITED, ChildState.PENDING)


def start_child(supervisor: PlannedRoster, request: inputs.StartChild) -> None:
    """Add a child behind the others and start it, also during a plan (S49, D4).

    If it waited for the plan, a child that calls this during its own start would wait for itself.
    """
    spec = request.spec
    path = join(supervisor.path, spec.id)
    known = supervisor.children.get(spec.id)
    limit = supervisor.spec.max_children
    if known is not None and known.state is ChildState.STOPPING:
        known.wait(request)
    elif known is not None:
        up = known.is_up and not known.is_restarting
        supervisor.reply(request, errors.AlreadyStarted(path) if up else errors.AlreadyPresent(path))
    elif limit is not None and len(supervisor.children) >= limit:
        supervisor.reply(request, errors.MaxChildren(supervisor.path, limit))
    else:
        child = supervisor.children[spec.id] = supervisor.new_child(spec)
        child.token = request.token
        supervisor.start(child, Purpose.START_CHILD)


def terminate_child(supervisor: PlannedRoster, request: inputs.TerminateChild) -> None:
    """Stop a child, and cancel its start, restart or retry that is under way (S36, S48, S50)."""
    child = supervisor.children.get(request.child)
    if child is None:
        not_found(supervisor, request)
    elif child.state is ChildState.REFUSED:
        child.revive = False
        supervisor.reply(request, errors.ChildRefused((child.path,)))
    elif child.is_up:
        supervisor.cancel_deferred_restarts(child)
        child.wait(request)
        if child.state is not ChildState.STOPPING and not child.stop_pending:
            supervisor.stop(child)
    else:
        _terminate_down(supervisor, child)
        supervisor.reply(request, None)


def _terminate_down(supervisor: PlannedRoster, child: Child) -> None:
    """Keep a child down that is down: cancel whatever would start it."""
    if child.state is ChildState.EXITED:
        supervisor.overtake(child)
    waited = child.state in WAITING
    if waited or child.state in _PARKED:
        supervisor.emit_exited(child, Shutdown(), asked=True)
    supervisor.cancel_retry(child)
    child.left_behind = False
    child.down_since = None
    supervisor.answer_start(child, stopped_early(child))
    supervisor.cancel_deferred_restarts(child)
    if supervisor.plan is not None:
        supervisor.plan.drop(child)
    forgets = supervisor.spec.dynamic or child.spec.restart is Restart.TEMPORARY
    if forgets and child.spec.id in supervisor.children:
        supervisor.forget(child)
    if waited:  # a startup may have been waiting for it
        supervisor.awaited_no_more(child)


def restart_child(supervisor: PlannedRoster, request: inputs.RestartChild) -> None:
    """Start a child that is down (S51). If its start fails, that is the answer, and it stays down."""
    child = _down(supervisor, request)
    if child is not None:
        child.parked = child.state is ChildState.FAILED
        child.token = request.token
        supervisor.start(child, Purpose.RESTART_CHILD)


def delete_child(supervisor: PlannedRoster, request: inputs.DeleteChild) -> None:
    """Forget a child that is down (S52)."""
    child = _down(supervisor, request)
    if child is not None:
        supervisor.forget(child)
        supervisor.reply(request, None)


def restart_now(supervisor: PlannedRoster, request: inputs.RestartNow) -> None:
    """Stop a child, and start it when it has ended: counted as manual, and costs no credit."""
    child = supervisor.children.get(request.child)
    plan = supervisor.plan
    if child is None:
        not_found(supervisor, request)
    elif child.spec.restart is Restart.TEMPORARY:
        supervisor.reply(
            request, errors.NotSupported(child.path, "restart", "temporary children, which are never restarted")
        )
    elif child.state is ChildState.REFUSED:
        child.revive = True
        supervisor.reply(request, errors.ChildRefused((child.path,)))
    elif child.state is ChildState.STOPPING:
        child.wait(request)
    elif plan is not None and plan.awaited is not child and (supervisor.grouped or child.state in _UNDECIDED):
        supervisor.defer(request)
    elif plan is None and supervisor.grouped:
        supervisor.restart_group(child, Cause.MANUAL, None, request.token)
    else:
        _restart_alone(supervisor, child, request)


def replace(supervisor: PlannedRoster, request: inputs.Replace) -> None:
    """Give a child another spec, which its next start uses, whatever the cause."""
    child = supervisor.children.get(request.child)
    if child is None:
        not_found(supervisor, request)
    else:
        child.replace_spec(request.spec)
        supervisor.spec = supervisor.spec.with_child(request.spec)
        supervisor.emit(ChildReplaced(path=child.path, at=supervisor.now, healthy_after=child.healthy_after))
        supervisor.reply(request, None)


def _restart_alone(supervisor: PlannedRoster, child: Child, request: inputs.RestartNow) -> None:
    if child.is_up:
        child.wait(request)
        supervisor.stop(child)
    else:
        supervisor.cancel_retry(child)
        supervisor.restart_one(child, Cause.MANUAL, None, request.token)


def _down(supervisor: PlannedRoster, request: inputs.RestartChild | inputs.DeleteChild) -> Child | None:
    """The child if it is down and stays down; None after answering the request or letting it wait."""
    child = supervisor.children.get(request.child)
    if supervisor.spec.dynamic:
        name = "restart_child" if isinstance(request, inputs.RestartChild) else "delete_child"
        supervisor.reply(request, errors.NotSupported(join(supervisor.path, request.child), name, _DYNAMIC))
    elif child is None:
        not_found(supervisor, request)
    elif child.state is ChildState.STOPPING:
        child.wait(request)
    elif child.is_restarting or child.state in _UNDECIDED or _is_planned(supervisor, child):
        supervisor.reply(request, errors.Restarting(child.path))
    elif child.is_up:
        supervisor.reply(request, errors.Running(child.path))
    else:
        return child
    return None


def _is_planned(supervisor: PlannedRoster, child: Child) -> bool:
    return supervisor.plan is not None and not child.is_up and child in supervisor.plan.to_start


_DYNAMIC = "dynamic supervisors, which keep no children that are down"


def not_found(supervisor: PlannedRoster, request: inputs.AboutChild) -> None:
    """Answer that there is no such child, and which there are."""
    supervisor.reply(request, errors.NotFound(join(supervisor.path, request.child), tuple(supervisor.children)))


ANSWERS: dict[type[inputs.Request], Callable[[PlannedRoster, Any], None]] = {
    inputs.StartChild: start_child,
    inputs.TerminateChild: terminate_child,
    inputs.RestartChild: restart_child,
    inputs.DeleteChild: delete_child,
    inputs.RestartNow: restart_now,
    inputs.Replace: replace,
}
