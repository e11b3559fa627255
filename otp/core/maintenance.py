"""Maintenance: a child under it that ends stays down, and is started when it is over.

    Pause   no end of the child leads to a restart, costs anything, or goes up to the supervisor above
    Resume  that is over; a child that is down over it is started
    Reset   its failures are forgiven: the patience that they used up is there again

An empty id means all children: also those that are added later, and the supervisor's own window. These requests never
wait. A supervisor that stops answers them too, for what they change belongs to a path: its next incarnation goes on
with it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from otp import events
from otp.core.child import WAITING, Child, ChildState
from otp.core.inputs import Maintenance, Pause, Reset, RestartDue, Resume
from otp.core.plan import Phase
from otp.core.requests import not_found

if TYPE_CHECKING:
    from otp.core.machine import SupervisorMachine

__all__ = ("maintain",)


def maintain(machine: "SupervisorMachine", request: Maintenance) -> None:
    """Answer at once, and then act, for that may end the supervisor."""
    id = request.child
    if id and id not in machine.children:
        not_found(machine, request)
        return
    machine.reply(request, None)
    if not id:
        _WHOLE[type(request)](machine)
    _CHILDREN[type(request)](machine, [machine.children[id]] if id else list(machine.children.values()))


def _pause(machine: "SupervisorMachine", children: list[Child]) -> None:
    """From now on. The restarts that some of them wait for are off."""
    for child in children:
        child.paused = True
    for child in children:
        if child.state in WAITING:
            exit = child.failed_with  # None: its failure has been told
            machine.wait_no_more(child)
            machine.set_aside(child, exit)
            machine.go_on_without(child)


def _resume(machine: "SupervisorMachine", children: list[Child]) -> None:
    """No longer. Who is down over it is like one whose delay has just passed, all at once: a group restarts once."""
    for child in children:
        child.paused = False
    if machine.phase in (Phase.STOPPING, Phase.DONE):
        return
    down = [child for child in children if child.state is ChildState.PAUSED]
    for child in down:
        child.state = ChildState.BACKOFF
        child.retry_at = machine.now
    for child in down:
        machine.restart_due(RestartDue(child.spec.id, child.generation))


def _reset(machine: "SupervisorMachine", children: list[Child]) -> None:
    for child in children:
        child.forgive()
        machine.emit(events.ChildForgiven(path=child.path, at=machine.now))


def _pause_new(machine: "SupervisorMachine") -> None:
    machine.paused = True


def _resume_new(machine: "SupervisorMachine") -> None:
    machine.paused = False


def _reset_window(machine: "SupervisorMachine") -> None:
    machine.window.clear()


_CHILDREN: dict[type[Maintenance], Callable[["SupervisorMachine", list[Child]], None]] = {
    Pause: _pause,
    Resume: _resume,
    Reset: _reset,
}
_WHOLE: dict[type[Maintenance], Callable[["SupervisorMachine"], None]] = {
    Pause: _pause_new,
    Resume: _resume_new,
    Reset: _reset_window,
}
