"""How a tree looks, in every face."""

from typing import get_args, get_type_hints

import pytest

from otp.cli import terminal
from otp.cli.queries.why import what_next
from otp.control.wire.looks import INCIDENTS, LEVELS, STATES, TREES, UNKNOWN, Tone, gravity, of_health, sign, tone
from otp.control.wire.rows import Health, IncidentRow, TreeState
from otp.core.child import ChildState
from otp.observe.sentences import Sentence
from otp.tui.colours import STYLES
from otp.tui.table import TreeTable
from tests.tui.trees import down, row


def test_each_state_has_a_look():
    assert set(STATES) == set(ChildState)


@pytest.mark.parametrize("state", ChildState)
def test_no_state_looks_like_an_unknown_one(state):
    assert sign(state) != UNKNOWN.sign
    assert tone(row("r/a", state=state, ready=False)) is not UNKNOWN.tone


def test_each_state_has_a_sign_of_its_own_so_that_no_colour_is_needed():
    signs = [look.sign for look in (*STATES.values(), UNKNOWN)]
    assert len(set(signs)) == len(signs)
    assert {len(one) for one in signs} == {1}


def test_a_state_of_a_newer_server_looks_unknown():
    assert sign("unheard of") == UNKNOWN.sign
    assert tone(row("r/a", state="unheard of")) is UNKNOWN.tone


def test_whatever_else_has_a_look_has_one_in_each_of_its_states():
    assert set(TREES) == set(get_args(TreeState))
    assert set(INCIDENTS) == set(get_args(get_type_hints(IncidentRow)["state"]))
    assert set(LEVELS) == set(get_args(get_type_hints(Sentence)["level"]))


def test_each_face_has_colours_for_each_tone():
    assert {*terminal._STYLES} == {*Tone, "title"}
    assert {*STYLES} == {*Tone}
    assert {f"tree--{each}" for each in Tone} <= TreeTable.COMPONENT_CLASSES


def test_the_tone_tells_who_needs_somebody_from_who_is_dealt_with():
    assert tone(row("r/a")) is Tone.GOOD
    assert tone(down("r/a")) is Tone.WAITING
    assert tone(row("r/a", state="paused", ready=False)) is Tone.WAITING
    assert tone(row("r/a", state="failed", ready=False)) is Tone.BAD
    assert tone(row("r/a", state="done")) is Tone.QUIET
    assert tone(row("r/a", state="pending", ready=False)) is Tone.QUIET
    assert tone(row("r/a", state="stopped", ready=False)) is Tone.WAITING


def test_gravity_goes_from_parked_over_down_and_shaky_to_well():
    parked, waiting = row("r/a", state="failed", ready=False), down("r/a")
    shaky, troubled, well = row("r/a", streak=1), row("r/a", incident="x"), row("r/a")
    assert [gravity(one) for one in (parked, waiting, shaky, troubled, well)] == [3, 2, 1, 1, 0]


@pytest.mark.parametrize(
    ("live", "ready", "problems", "looks"),
    [
        (True, True, (), Tone.GOOD),
        (True, True, ("r/a is backoff",), Tone.WAITING),
        (True, False, (), Tone.WAITING),
        (False, False, (), Tone.BAD),
    ],
)
def test_health_is_bad_only_where_it_cannot_go_on(live, ready, problems, looks):
    health = Health(app="r", state="up", live=live, ready=ready, up=1, total=1, problems=problems)
    assert of_health(health) is looks


@pytest.mark.parametrize("state", ChildState)
def test_of_each_state_why_says_what_becomes_of_it_in_words(state):
    assert what_next(down("r/a", state=str(state))) != str(state)
