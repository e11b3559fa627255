"""The comparison with Erlang itself: it runs where `erl` is, finds what differs, and repeats itself."""

import pytest

from otp.core import inputs, plan, requests, termination
from otp.core.intensity import RestartWindow
from tests.conformance.compare import disagreement
from tests.conformance.erlang import erlang, is_present
from tests.conformance.fuzzing import Tally, fuzz, up_to
from tests.conformance.scenario import (
    End,
    How,
    Outcome,
    Plan,
    Scenario,
    Supervisor,
    TerminateChild,
    Tick,
    Worker,
    decode,
    encode,
)

pytestmark = pytest.mark.skipif(not is_present(), reason="needs Erlang: apt-get install erlang-base")


@pytest.fixture(scope="module")
def oracle():
    with erlang() as running:
        yield running


def test_fresh_scenarios_go_as_in_otp(oracle):
    tally = Tally()
    assert fuzz(oracle, 1, up_to(300), tally) == ""
    assert tally.scenarios == 300


def test_otp_repeats_itself(oracle):
    scenario = Scenario(
        Supervisor("s", (Worker("a"), Worker("b"), Supervisor("t", (Worker("c"),))), intensity=1),
        (Plan("a", (Outcome.FAIL,)), Tick("s", (End("a", How.CRASH), TerminateChild("s", "a"), End("b", How.NORMAL)))),
    )
    first = oracle.play(scenario)
    assert all(oracle.play(scenario) == first for _ in range(20))


def test_a_scenario_survives_being_written_down(oracle):
    scenario = Scenario(Supervisor("s", (Worker("a"),)), (End("a", How.CRASH),), (Plan("a", (Outcome.CRASH,)),))
    assert decode(encode(scenario)) == scenario


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (termination, "wants_restart", lambda _, exit: exit.abnormal),
        (RestartWindow, "record", lambda _, __: True),
        (plan, "taken_along", lambda _, __, failed: [failed]),
        (requests.ANSWERS, inputs.DeleteChild, lambda of, request: of.reply(request, None)),
    ],
    ids=["restart types", "window", "strategies", "delete_child"],
)
def test_a_machine_that_differs_is_found_and_the_scenario_shrunk(oracle, monkeypatch, owner, name, broken):
    (monkeypatch.setitem if isinstance(owner, dict) else monkeypatch.setattr)(owner, name, broken)
    found = fuzz(oracle, 1, up_to(1_000), Tally())
    assert found
    scenario = decode(found.splitlines()[1])
    assert len(scenario.steps) <= 6
    monkeypatch.undo()
    assert not disagreement(scenario, oracle.play(scenario))
