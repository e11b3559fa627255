"""Maintenance: a child that ends during it stays down, and is started when it is over.

    Pause   begins it: an end of the child leads to no restart, costs no credit and does not escalate
    Resume  ends it: children that are down because of it are started
    Reset   clears the streak of a child and the budgets of its policy

An empty id means all children, those that are added later, and for `Reset` the supervisor's window. These requests are
answered at once. A supervisor that stops answers them too, because maintenance belongs to a path: the next incarnation
of the supervisor continues it.
"""

from collections.abc import Callable

from otp import events
from otp.core.child import WAITING, Child, ChildState
from otp.core.inputs import Maintenance, Pause, Reset, RestartDue, Resume
from otp.core.plan import Phase
from otp.core.recovery import Recovery
from otp.core.requests import not_found


def maintain(supervisor: Recovery, request: Maintenance) -> None:
    """Answer a request, then execute it: in this order, because a restart may end the supervisor."""
    id = request.child
    if id and id not in supervisor.children:
        not_found(supervisor, request)
        return
    supervisor.reply(request, None)
    if not id:
        _WHOLE[type(request)](supervisor)
    _CHILDREN[type(request)](supervisor, [supervisor.children[id]] if id else list(supervisor.children.values()))


def _pause(supervisor: Recovery, children: list[Child]) -> None:
    """Begin the maintenance, and cancel the restarts that some of the children wait for."""
    for child in children:
        child.paused = True
    for child in children:
        if child.state in WAITING:
            exit = child.failed_with  # None: its failure has been emitted
            supervisor.cancel_retry(child)
            supervisor.leave_paused(child, exit)
            supervisor.go_on_without(child)


def _resume(supervisor: Recovery, children: list[Child]) -> None:
    """End the maintenance. Children kept down by the pause become due now, together, so that a group restarts once."""
    for child in children:
        child.paused = False
    if supervisor.phase in (Phase.STOPPING, Phase.DONE):
        return
    down = [child for child in children if child.state is ChildState.PAUSED]
    for child in down:
        child.state = ChildState.BACKOFF
        child.retry_at = supervisor.now
    for child in down:
        supervisor.restart_due(RestartDue(child.spec.id, child.generation))


def _reset(supervisor: Recovery, children: list[Child]) -> None:
    for child in children:
        child.forgive()
        supervisor.emit(events.ChildForgiven(path=child.path, at=supervisor.now))


def _pause_new(supervisor: Recovery) -> None:
    supervisor.paused = True


def _resume_new(supervisor: Recovery) -> None:
    supervisor.paused = False


def _reset_window(supervisor: Recovery) -> None:
    supervisor.window.clear()


_CHILDREN: dict[type[Maintenance], Callable[[Recovery, list[Child]], None]] = {
    Pause: _pause,
    Resume: _resume,
    Reset: _reset,
}
_WHOLE: dict[type[Maintenance], Callable[[Recovery], None]] = {
    Pause: _pause_new,
    Resume: _resume_new,
    Reset: _reset_window,
}
