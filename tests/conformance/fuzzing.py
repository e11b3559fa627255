"""Fresh scenarios against OTP, for as long as one likes."""

import time
from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.conformance.compare import disagreement
from tests.conformance.deviations import comparable, in_start_order
from tests.conformance.erlang import Erlang
from tests.conformance.generate import scenarios
from tests.conformance.recording import Recording
from tests.conformance.rules import RULES, reached
from tests.conformance.scenario import Scenario

CHUNK = 1_000
"""Scenarios that one seed makes."""


class Tally:
    """What has been compared.

    Attributes:
        scenarios: how many.
        steps: of all of them, the start and the stop of the root included.
        cases: how often each rule and each case of it was seen at work.
    """

    def __init__(self) -> None:
        self.scenarios = 0
        self.steps = 0
        self.cases: Counter[str] = Counter()

    def add(self, recording: Recording) -> set[str]:
        """Count one more; the cases that it shows."""
        scenario, theirs = recording.scenario, recording.trace
        cases = reached(scenario, comparable(in_start_order(theirs), scenario))
        self.scenarios += 1
        self.steps += len(theirs)
        self.cases.update(cases)
        return cases

    @property
    def missing(self) -> list[str]:
        """Rules that no scenario has reached."""
        return [rule for rule in RULES if not self.cases[rule]]


GoesOn = Callable[[Tally], bool]
Agreed = Callable[[Recording, set[str]], None]


def fuzz(erlang: Erlang, first_seed: int, goes_on: GoesOn, tally: Tally, agreed: Agreed | None = None) -> str:
    """Compare fresh scenarios while `goes_on`, and tell `agreed` of each; the first disagreement, shrunk, or nothing."""
    number = first_seed
    while goes_on(tally):
        found = _compare_chunk(erlang, number, goes_on, tally, agreed)
        if found:
            return f"seed {number}\n{found}"
        number += 1
    return ""


def _compare_chunk(erlang: Erlang, number: int, goes_on: GoesOn, tally: Tally, agreed: Agreed | None) -> str:
    @seed(number)
    @settings(
        max_examples=CHUNK,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(scenarios())
    def compare(scenario: Scenario) -> None:
        if not goes_on(tally):
            return
        theirs = erlang.play(scenario)
        found = disagreement(scenario, theirs)
        assert not found, found
        recording = Recording(scenario, theirs)
        cases = tally.add(recording)
        if agreed is not None:
            agreed(recording, cases)

    try:
        compare()
    except AssertionError as error:
        return str(error)
    return ""


def until(minutes: float) -> GoesOn:
    """Go on for so long."""
    end = time.monotonic() + 60 * minutes
    return lambda _: time.monotonic() < end


def up_to(scenarios: int) -> GoesOn:
    """Go on until so many are compared."""
    return lambda tally: tally.scenarios < scenarios
