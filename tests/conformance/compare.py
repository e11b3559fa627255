"""OTP's trace of a scenario against ours: the machine alone, told in two ways, and the runtime on two event loops."""

from collections.abc import Callable, Iterator
from functools import partial

from tests.conformance import runtime_runner
from tests.conformance.deviations import comparable, in_start_order, whole_seconds
from tests.conformance.machine_runner import MachineRunner, Mailbox
from tests.conformance.scenario import Scenario, encode, is_answered_late
from tests.conformance.trace import Trace, difference


def disagreement(scenario: Scenario, theirs: Trace) -> str:
    """Where one of ours parts from OTP's trace as it was recorded; empty if none does."""
    expected = comparable(in_start_order(theirs), scenario)
    for runner, play in _runners(scenario):
        try:
            found = difference(comparable(play(), scenario), expected)
        except Exception as error:  # whatever a supervisor that is broken raises
            found = repr(error)
        if found:
            return f"{encode(scenario).decode()}\n{runner}: {found}"
    return ""


def _runners(scenario: Scenario) -> Iterator[tuple[str, Callable[[], Trace]]]:
    yield "machine, deaf", partial(_on_machines, scenario, Mailbox.DEAF)
    if is_answered_late(scenario):  # only a deaf supervisor lets a request wait (D4)
        return
    yield "machine, eager", partial(_on_machines, scenario, Mailbox.EAGER)
    yield "runtime on asyncio", partial(runtime_runner.play, scenario, "asyncio")
    yield "runtime on trio", partial(runtime_runner.play, scenario, "trio")


def _on_machines(scenario: Scenario, mailbox: Mailbox) -> Trace:
    with whole_seconds():
        return MachineRunner(scenario, mailbox).play()
