"""Ours does what OTP did: traces that were recorded with Erlang/OTP, replayed by the machine and the runtime."""

import pytest

from tests.conformance.compare import disagreement
from tests.conformance.deviations import comparable, in_start_order
from tests.conformance.recording import FOUND, RECORDED, read
from tests.conformance.rules import RULES, reached

RECORDINGS = [*read(RECORDED)]


@pytest.mark.parametrize("recording", RECORDINGS, ids=map(str, range(len(RECORDINGS))))
def test_ours_does_what_otp_did(recording):
    found = disagreement(recording.scenario, recording.trace)
    assert not found, found


@pytest.mark.parametrize("recording", [*read(FOUND)], ids=str)
def test_what_once_differed_differs_no_more(recording):
    found = disagreement(recording.scenario, recording.trace)
    assert not found, found


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_among_what_is_recorded(rule):
    assert any(
        rule in reached(kept.scenario, comparable(in_start_order(kept.trace), kept.scenario)) for kept in RECORDINGS
    )
