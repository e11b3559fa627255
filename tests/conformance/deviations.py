"""Where we differ from OTP on purpose, D1-D8 of docs/semantics.md: the one place where a comparison takes that into account.

Each deviation has tests of its own, in test_deviations.py, which assert the difference itself.

D2 (defaults) and D5 (policies) need nothing: scenarios name every number, and have no policy. D4 (OTP is deaf while a
start function runs) and D7 (a task cannot be killed) are kept out of the way by the runners: one holds a request back
until the supervisor is idle, and a worker that refuses to stop ends when it is killed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from math import floor
from unittest.mock import patch

import msgspec

from otp.core.intensity import RestartWindow
from otp.errors import IntensityReached
from otp.exits import Crashed, Exit, Shutdown
from otp.runtime.supervisor import RunningSupervisor
from tests.conformance.scenario import (
    CountChildren,
    Dynamic,
    Request,
    Scenario,
    StartChild,
    TerminateChild,
    Tick,
    WhichChildren,
    actions,
    nodes,
)
from tests.conformance.trace import Answer, Entry, Snapshot, Told, Trace

# ------------------------------------------------------------------------------------------------ ours, made like OTP's


@contextmanager
def whole_seconds() -> Iterator[None]:
    """D1: let our windows see whole seconds, as OTP's do."""
    record = RestartWindow.record
    with patch.object(RestartWindow, "record", lambda window, now: record(window, floor(now))):
        yield


def as_told_above(exit: Exit) -> Exit:
    """D3: let a supervisor that gave up end with `shutdown`."""
    gave_up = isinstance(exit, Crashed) and isinstance(exit.error, IntensityReached)
    return Shutdown("reached_max_restart_intensity") if gave_up else exit


@contextmanager
def quiet_end() -> Iterator[None]:
    """D3, in a running tree."""
    end = RunningSupervisor.end
    with patch.object(RunningSupervisor, "end", lambda supervisor, exit: end(supervisor, as_told_above(exit))):
        yield


# ------------------------------------------------------------------------------------------------ OTP's, made like ours


def in_start_order(trace: Trace) -> Trace:
    """D8: OTP lists the newest child first."""
    return [
        msgspec.structs.replace(
            told,
            answers=[answer[::-1] if _is_which(answer) else answer for answer in told.answers],
            snapshot=[(id, children[::-1], counts) for id, children, counts in told.snapshot],
        )
        for told in trace
    ]


def _is_which(answer: Answer) -> bool:
    return isinstance(answer, list) and bool(answer) and isinstance(answer[0], list)


# ------------------------------------------------------------------------------------------------ both, made comparable


def comparable(trace: Trace, scenario: Scenario) -> Trace:
    """D6: what a dynamic supervisor tells that simple_one_for_one cannot, and the other way round, left out of both.

    simple_one_for_one has one spec, finds children by pid, which says nothing of one that restarts, lists them in the
    order of a map, and is content when asked to stop one that is long gone; it has a spec for every dead pid. Both stop all at once (S45), so nobody
    knows who is gone first.
    """
    dynamic = {node.id for node in nodes(scenario) if isinstance(node, Dynamic)}
    family = {
        a.child.id: a.supervisor for a in actions(scenario) if isinstance(a, StartChild) and a.supervisor in dynamic
    }
    asked = [()] + [step.actions if isinstance(step, Tick) else (step,) for step in scenario.steps] + [()]
    return [
        Told(
            list(_any_order_at_the_end(told.entries, family)),
            [_answer(request, answer, dynamic) for request, answer in _answered(requests, told.answers)],
            [_look(id, children, counts, dynamic) for id, children, counts in told.snapshot],
        )
        for told, requests in zip(trace, asked, strict=False)
    ]


def _any_order_at_the_end(entries: Iterable[Entry], family: dict[str, str]) -> Iterator[Entry]:
    for supervisor, group in groupby(entries, lambda entry: family.get(entry[1]) if entry[0] == "exit" else None):
        together = list(group)
        yield from together if supervisor is None else sorted(together)


def _answered(steps: Iterable[object], answers: list[Answer]) -> Iterator[tuple[Request, Answer]]:
    return zip((step for step in steps if isinstance(step, Request)), answers, strict=True)


def _answer(request: Request, answer: Answer, dynamic: set[str]) -> Answer:
    supervisor = request.supervisor
    if supervisor not in dynamic:
        return answer
    if isinstance(request, TerminateChild) and answer == "not_found":
        return "ok"
    if isinstance(request, WhichChildren) and answer != "noproc":
        return _named(answer)
    if isinstance(request, CountChildren) and answer != "noproc":
        return answer[1:]
    return answer


def _look(id: str, children: list[tuple[str, str]], counts: list[int], dynamic: set[str]) -> Snapshot:
    return (id, _named(children), counts[1:]) if id in dynamic else (id, children, counts)


def _named(children: list[list[str]]) -> list[list[str]]:
    return sorted([name if state == "up" else "unknown", state] for name, state in children)
