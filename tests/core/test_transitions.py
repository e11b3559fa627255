"""The table of transitions is what children do: no machine leaves it, and none of its arrows is made up."""

import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from otp.core.child import ChildState
from otp.core.inputs import Replace
from otp.core.machine import SupervisorMachine
from otp.core.transitions import TRANSITIONS
from otp.dependency import dependency
from otp.spec import Restart, Strategy, supervisor
from otp.testing import Violation, explore
from otp.testing.happenings import Asks, Crashes, Down, Fails, Hangs, Ignores, Late, Returns
from tests.core.interleavings import POLICIES, pause, refuses, restart, restart_child, resume, terminate
from tests.simulation import Simulation, stand_in

PAGE = Path(__file__).parents[2] / "docs" / "semantics.md"


async def probe():
    raise NotImplementedError


DEPENDENCIES = [dependency("db", probe)]


def options():
    """Return what the failures of a child may lead to, and whether it reports that it is up."""
    wanted = (None, *(POLICIES[name] for name in ("after a delay", "at once, then after a delay, expected", "parked")))
    for policy, needs, ready in product(wanted, ((), ("db",)), (True, False)):
        yield {"policy": policy, "needs": needs, "ready": ready, "shutdown": 1.0}


def trees():
    """Trees and what may happen: small, for it is the states of one child that matter, and not the order of many."""
    for each in options():
        a, b = stand_in("a", **each), stand_in("b")
        alone = supervisor("root", children=[a], dependencies=DEPENDENCIES)
        yield alone, [Crashes("a"), Fails("a"), Late("a"), restart("a")]
        yield alone, [Crashes("a"), pause("a"), restart_child("a"), resume("a")]
        yield alone, [Hangs("a"), *refuses("a"), pause("a"), resume("a")]
        yield alone, [Crashes("a"), Down("db"), terminate("a"), restart_child("a")]
        both = supervisor("root", children=[a, b], dependencies=DEPENDENCIES)
        yield both, [Crashes("a"), Hangs("a"), pause("a"), terminate("b")]
        yield both, [Hangs("a"), *refuses("a"), pause("a")]
        group = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[a, b], dependencies=DEPENDENCIES)
        yield group, [Crashes("a"), Down("db"), Crashes("b")]
    for kind, ready in product(Restart, (True, False)):
        a = stand_in("a", restart=kind, ready=ready, shutdown=1.0)
        yield supervisor("root", children=[a]), [Returns("a"), Ignores("a"), restart("a"), restart_child("a")]
        yield supervisor("root", children=[a]), [Hangs("a"), *refuses("a"), terminate("a")]
        yield supervisor("root", children=[a, stand_in("b")]), [Returns("a"), pause("a"), terminate("a")]
    a, other = stand_in("a"), stand_in("a", ready=False)
    yield supervisor("root", children=[a]), [Crashes("a"), Fails("a"), Asks(Replace("a", other, None))]
    below = supervisor(
        "sub", strategy=Strategy.ONE_FOR_ALL, children=[stand_in("x", shutdown="brutal_kill"), stand_in("y")]
    )
    for ends in (Crashes("sub/y"), Fails("sub/y")):
        yield supervisor("root", children=[below]), [ends, Late("sub/x")]


@cache
def seen():
    found = set()
    for tree, happenings in trees():
        found |= explore(tree, happenings).transitions
    return found


def paused_before():
    """The state of a child that was paused when its supervisor was restarted."""
    spec = supervisor("root", children=[stand_in("a")])
    before = Simulation(spec).begin()
    before.pause("a")
    before.crash("a")
    machine = SupervisorMachine(spec, "")
    first = machine.children["a"].state
    machine.inherit(before.machine.children, paused=False)
    return first, machine.children["a"].state


ARROWS = {(state, after) for state, follows in TRANSITIONS.items() for after in follows}


@pytest.mark.timeout(300)
def test_each_transition_of_the_table_is_made_by_some_machine_and_no_machine_makes_another():
    assert seen() | {paused_before()} == ARROWS


def test_the_table_has_every_state_and_none_follows_itself():
    assert set(TRANSITIONS) == set(ChildState)
    assert not [state for state, after in ARROWS if state is after]


def test_a_transition_that_the_table_does_not_have_is_a_broken_promise(monkeypatch):
    table = {state: {**follows} for state, follows in TRANSITIONS.items()}
    del table[ChildState.RUNNING][ChildState.STARTING]
    monkeypatch.setattr("otp.testing.observed.TRANSITIONS", table)
    with pytest.raises(Violation, match="root/a goes from running to starting, which is no transition"):
        explore(supervisor("root", children=[stand_in("a")]), [Crashes("a")])


def test_the_table_in_the_docs_is_the_one_in_the_source():
    section = PAGE.read_text().partition("## The states of a child")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    shown = {(state, after) for state, follows in rows for after in re.findall(r"`(\w+)`", follows)}
    assert shown == {(f"{state}", f"{after}") for state, after in ARROWS}
