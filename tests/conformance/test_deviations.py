"""D1-D8: each difference from OTP, shown where it shows; and that the comparison would see it were it not allowed for."""

import inspect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otp
from otp.core import inputs
from otp.core.intensity import RestartWindow
from otp.errors import IntensityReached
from otp.exits import Crashed, Refused
from otp.spec import DEFAULT_INTENSITY, DEFAULT_PERIOD, Restart, dynamic_supervisor, supervisor
from tests.conformance import compare, deviations, machine_runner, runtime_runner
from tests.conformance.compare import disagreement
from tests.conformance.deviations import comparable, whole_seconds
from tests.conformance.erlang import erlang, is_present
from tests.conformance.machine_runner import MachineRunner, Mailbox
from tests.conformance.scenario import (
    Dynamic,
    End,
    How,
    OnStop,
    Outcome,
    Plan,
    Scenario,
    Shutdown,
    StartChild,
    Supervisor,
    TerminateChild,
    Tick,
    Wait,
    Worker,
)
from tests.simulation import Simulation, stand_in

CRASH = End("a", How.CRASH)


@pytest.fixture(scope="module")
def oracle():
    if not is_present():
        pytest.skip("needs Erlang: apt-get install erlang-base")
    with erlang() as running:
        yield running


def ours(scenario):
    return MachineRunner(scenario, Mailbox.DEAF).play()


# ------------------------------------------------------------------------------------------------ D1: float seconds


def survives(trace):
    return not any(entry[0] == "gives_up" for told in trace for entry in told.entries)


@pytest.mark.parametrize(("apart", "in_otp", "here"), [(1.75, False, True), (1.0, False, False), (2.0, True, True)])
def test_d1_otp_cuts_to_whole_seconds_and_we_do_not(oracle, apart, in_otp, here):
    scenario = Scenario(Supervisor("s", (Worker("a"),), intensity=1, period=1), (CRASH, Wait(apart), CRASH))
    assert survives(oracle.play(scenario)) == in_otp
    assert survives(ours(scenario)) == here


@given(st.lists(st.integers(0, 40), max_size=12), st.sampled_from([1, 2, 5]))
def test_d1_with_whole_seconds_the_window_is_that_of_otp(ticks, period):
    """S27 as the reference states it: a list, newest first, cut at the period, then counted."""
    window, stamps, now = RestartWindow(3, float(period)), [], 0.125
    with whole_seconds():
        for tick in ticks:
            now += tick * 0.25
            stamps = [math.floor(now), *(t for t in stamps if t >= math.floor(now) - period)]
            assert window.record(now) == (len(stamps) <= 3)
            if len(stamps) > 3:
                break


# ------------------------------------------------------------------------------------------------ D2: defaults


def test_d2_three_restarts_in_five_seconds():
    assert (DEFAULT_INTENSITY, DEFAULT_PERIOD) == (3, 5.0)
    for build in (supervisor, dynamic_supervisor):
        defaults = inspect.signature(build).parameters
        assert (defaults["intensity"].default, defaults["period"].default) == (3, 5.0)


# ------------------------------------------------------------------------------------------------ D3: giving up is seen

TRANSIENT = Scenario(
    Supervisor("s", (Supervisor("t", (Worker("a"),), intensity=0, restart=Restart.TRANSIENT),)), (CRASH,)
)


def test_d3_in_otp_a_transient_supervisor_that_gave_up_stays_down(oracle):
    told = oracle.play(TRANSIENT)[1]
    assert told.snapshot == [("s", [["t", "down"]], [1, 0, 1, 0])]


def test_d3_here_the_one_above_restarts_it_and_knows_why():
    sim = Simulation(supervisor("t", children=[stand_in("a")], intensity=0, restart=Restart.TRANSIENT)).begin()
    sim.crash("a")
    assert isinstance(sim.exit, Crashed)
    assert isinstance(sim.exit.error, IntensityReached)
    above = Simulation(supervisor("s", children=[sim.machine.spec])).begin()
    above.end("t", sim.exit)
    assert above.states == {"t": "running"}


# ------------------------------------------------------------------------------------------------ D4: never deaf


def test_d4_a_request_during_a_start_is_answered_at_once():
    sim = Simulation(supervisor("s", children=[stand_in("a"), stand_in("b")]), slow="a").begin()
    assert sim.start_child(stand_in("c")).answered
    assert sim.states == {"a": "starting", "b": "pending", "c": "running"}


def test_d4_in_otp_it_waits_and_the_comparison_lets_ours_wait_too(oracle):
    scenario = Scenario(
        Supervisor("s", (Worker("a"), Worker("b", shutdown=Shutdown.FINITE, on_stop=OnStop.REFUSE)), intensity=9),
        (Tick("s", (TerminateChild("s", "b"), CRASH)),),
    )
    theirs = oracle.play(scenario)
    assert [entry[:2] for entry in theirs[1].entries] == [("exit", "a"), ("exit", "b"), ("start", "a")]
    assert not disagreement(scenario, theirs)


# ------------------------------------------------------------------------------------------------ D6: dynamic_supervisor


def test_d6_any_spec_and_a_name_for_each_child():
    sim = Simulation(dynamic_supervisor("d", max_children=2)).begin()
    sim.start_child(stand_in("a", restart=Restart.TEMPORARY))
    sim.start_child(stand_in("b"))
    assert isinstance(sim.start_child(stand_in("b")).result, otp.AlreadyStarted)
    assert isinstance(sim.start_child(stand_in("c")).result, otp.MaxChildren)
    assert isinstance(sim.terminate_child("nobody").result, otp.NotFound)


def test_d6_a_child_that_ignores_its_restart_is_forgotten_as_in_otp_27_s24(oracle):
    scenario = Scenario(
        Dynamic("d", Worker("template")),
        (StartChild("d", Worker("x1")), Plan("x1", (Outcome.IGNORE,)), End("x1", How.CRASH)),
    )
    (_, children, counts) = ours(scenario)[3].snapshot[0]
    assert (children, counts[1]) == ([], 0)
    if int(oracle.release) < 27:
        (_, children, counts) = oracle.play(scenario)[3].snapshot[0]
        assert children == [["unknown", "down"]]


# ------------------------------------------------------------------------------------------------ D7: no kill


def test_d7_who_does_not_end_when_it_is_killed_is_never_replaced():
    sim = Simulation(supervisor("s", children=[stand_in("a", shutdown=1.0)])).begin()
    sim.stubborn.add("a")
    sim.terminate_child("a")
    sim.pass_time(60.0)
    assert sim.states == {"a": "refused"}
    assert sim.take_trace()[-2:] == ["stop a", "kill a"]
    sim.stop()
    assert sim.exit == Refused(("s/a",))


# ------------------------------------------------------------------------------------------------ D8: order of a list


def test_d8_otp_lists_the_newest_first_and_we_the_oldest(oracle):
    scenario = Scenario(Supervisor("s", (Worker("a"), Worker("b"))))
    assert oracle.play(scenario)[0].snapshot[0][1] == [["b", "up"], ["a", "up"]]
    assert ours(scenario)[0].snapshot[0][1] == [["a", "up"], ["b", "up"]]


# ------------------------------------------------------------------------------------------------ allowing for them

VISIBLE = {
    "D1": Scenario(Supervisor("s", (Worker("a"),), intensity=1, period=1), (CRASH, Wait(1.75), CRASH)),
    "D3": TRANSIENT,
    "D6": Scenario(Dynamic("d", Worker("template")), (StartChild("d", Worker("x1")), TerminateChild("d", "x0"))),
    "D8": Scenario(Supervisor("s", (Worker("a"), Worker("b")))),
}


@pytest.mark.parametrize("deviation", VISIBLE)
def test_the_comparison_allows_for_each_and_sees_it_otherwise(oracle, monkeypatch, deviation):
    scenario = VISIBLE[deviation]
    theirs = oracle.play(scenario)
    assert not disagreement(scenario, theirs)
    match deviation:
        case "D1":
            monkeypatch.setattr(deviations, "floor", lambda now: now)
        case "D3":
            monkeypatch.setattr(machine_runner, "as_told_above", lambda exit: exit)
        case "D6":
            monkeypatch.setattr(compare, "comparable", lambda trace, _: trace)
        case _:
            monkeypatch.setattr(compare, "in_start_order", lambda trace: trace)
    assert disagreement(scenario, theirs)


def test_d3_is_allowed_for_in_a_running_tree_too(oracle, monkeypatch):
    theirs = comparable(deviations.in_start_order(oracle.play(TRANSIENT)), TRANSIENT)
    assert comparable(runtime_runner.play(TRANSIENT, "asyncio"), TRANSIENT) == theirs
    monkeypatch.setattr(deviations, "as_told_above", lambda exit: exit)
    assert comparable(runtime_runner.play(TRANSIENT, "asyncio"), TRANSIENT) != theirs


def test_what_comes_from_an_older_incarnation_means_nothing():
    sim = Simulation(supervisor("s", children=[stand_in("a")])).begin()
    sim.crash("a")
    before = sim.take_trace()
    sim.tell(inputs.Exited("a", 1, Crashed(ValueError())))
    assert (before, sim.take_trace()) == (["start a", "ready", "start a"], [])
