"""Maintenance of a path with all below it, where supervisors run and where only their ledgers are left."""

from collections.abc import Iterator

from otp.core.child import Child
from otp.core.inputs import Maintenance, Pause, Reset
from otp.core.paths import join
from otp.events import MaintenanceEnded, MaintenanceStarted
from otp.runtime.supervisor import Ledger, RunningSupervisor


def announce(supervisor: RunningSupervisor, id: str, kind: type[Maintenance]) -> None:
    """Emit once that maintenance starts or ends there, before its consequences; nothing if it is so already.

    Args:
        supervisor: the supervisor that gets the request.
        id: its child; empty: all its children.
        kind: of request.
    """
    starts = kind is Pause
    if kind is Reset or all(paused is starts for paused in _marks(supervisor, id)):
        return
    event = MaintenanceStarted if starts else MaintenanceEnded
    path = join(supervisor.machine.path, id) if id else supervisor.machine.path
    supervisor.tree.reporter.put(event(path=path, at=supervisor.tree.now()))


def spread(supervisor: RunningSupervisor, id: str, kind: type[Maintenance]) -> None:
    """Feed all supervisors below, deepest first: a supervisor that `Resume` starts finds its children resumed."""
    for one in [id] if id else tuple(supervisor.machine.children):
        below = supervisor.live.get(one)
        if isinstance(below, RunningSupervisor):
            spread(below, "", kind)
            below.feed(kind("", None))
        else:
            for child in _records(supervisor.left_of(one)):
                _change(child, kind)


def _change(child: Child, kind: type[Maintenance]) -> None:
    """Change the record of a child whose supervisor is down; its next incarnation continues it."""
    if kind is Reset:
        child.forgive()
    else:
        child.paused = kind is Pause


def _marks(supervisor: RunningSupervisor, id: str) -> Iterator[bool]:
    """For each child there, whether it is paused; a supervisor's own mark holds for children added later."""
    machine = supervisor.machine
    if not id:
        yield machine.paused
    for one in [id] if id else tuple(machine.children):
        if one in machine.children:
            yield machine.children[one].paused
        below = supervisor.live.get(one)
        if isinstance(below, RunningSupervisor):
            yield from _marks(below, "")
        else:
            yield from (child.paused for child in _records(supervisor.left_of(one)))


def _records(ledger: Ledger) -> Iterator[Child]:
    yield from ledger.children.values()
    for below in ledger.below.values():
        yield from _records(below)
