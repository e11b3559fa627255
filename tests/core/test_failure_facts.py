"""What an event says of a failure or a start, so that no observer has to remember what came before."""

import pytest

from otp import events
from otp.errors import ChildRefused, FatalFailure, IntensityReached, StartError, StartTimeout
from otp.exits import Crashed, Killed, Normal, Refused
from otp.policy import Backoff, FailurePolicy, Fatal, GiveUp, RestartAfter, on
from otp.spec import Restart, supervisor
from tests.simulation import Simulation, stand_in

EVERY = FailurePolicy(
    on(KeyError, RestartAfter(Backoff(1.0, jitter=0.0))),
    on(ValueError, GiveUp()),
    on(IndexError, Fatal()),
    on(IntensityReached, GiveUp()),
    healthy_after=5.0,
)


def tree(*children, slow=(), **options):
    return Simulation(supervisor("root", children=children, **options), slow=slow)


def the(sim, kind):
    """The last event of this kind."""
    return sim.of(kind)[-1]


# ------------------------------------------------------------------------------------------------ starts


def test_a_first_start_is_no_recovery_and_one_after_a_failure_or_by_request_is():
    sim = tree(stand_in("a"), stand_in("b", ready=False)).begin()
    for id in "ab":
        sim.crash(id)
        sim.restart(id)
    for path in ("root/a", "root/b"):
        assert [e.recovering for e in sim.of(events.ChildStarted) if e.path == path] == [False, True, True]


def test_a_start_that_is_tried_again_is_a_recovery():
    sim = tree(stand_in("a", policy=EVERY), slow="a").begin()
    sim.fail("a", KeyError())
    sim.pass_time(1.0)
    sim.ready("a")
    assert the(sim, events.ChildStarted).recovering


def test_a_start_along_with_the_supervisor_says_so_once_and_is_no_recovery():
    first = tree(stand_in("a"), stand_in("b"), stand_in("c")).begin()
    first.crash("a")
    first.pause("c")
    first.crash("c")
    first.stop()
    second = tree(*map(stand_in, ("a", "b", "c", "new")), slow="b")
    second.machine.inherit(first.machine.children)
    second.begin(patient=False)
    second.crash("a")
    second.ignore("b")
    second.resume("c")
    seen = [(e.path[5:], e.recovering, e.with_supervisor) for e in second.of(events.ChildStarted)]
    assert sorted(seen) == [("a", False, True), ("a", True, False), ("c", True, False), ("new", False, False)]
    assert the(second, events.ChildIgnored).with_supervisor
    assert [second.child(id).collateral for id in ("a", "b", "c", "new")] == [1, 1, 0, 0]


def test_a_start_along_with_the_supervisor_that_fails_says_so_too():
    first = tree(stand_in("a", policy=EVERY)).begin()
    first.stop()
    second = tree(stand_in("a", policy=EVERY), slow="a")
    second.machine.inherit(first.machine.children)
    second.begin()
    second.fail("a", KeyError())
    second.pass_time(1.0)
    second.ready("a")
    assert the(second, events.ChildStartFailed).with_supervisor
    assert not the(second, events.ChildStarted).with_supervisor


# ------------------------------------------------------------------------------------------------ failures


DECISIONS = [
    (events.ChildRestarting, RuntimeError()),
    (events.ChildDelayed, KeyError()),
    (events.ChildFailed, ValueError()),
    (events.FatalFailure, IndexError()),
    (events.ChildHeld, RuntimeError()),
    (events.ChildPaused, RuntimeError()),
    (events.IntensityReached, RuntimeError()),
]


def decided(kind, error, *, starting):
    """The decision of this kind about a child that has failed in a row before, while it was up or starting."""
    spec = stand_in("a", needs=("bus",), policy=EVERY)
    sim = tree(spec, intensity=1 if kind is events.IntensityReached else 9).begin()
    sim.slow = {"a"} if starting else set()
    sim.crash("a")
    if kind is events.ChildHeld:
        sim.down = {"bus"}
    if kind is events.ChildPaused:
        sim.pause("a")
    (sim.fail if starting else sim.crash)("a", error)
    return the(sim, kind)


@pytest.mark.parametrize(("kind", "error"), DECISIONS)
@pytest.mark.parametrize("starting", [False, True])
def test_a_decision_says_whether_the_failure_has_been_told_as_a_failed_start(kind, error, starting):
    assert decided(kind, error, starting=starting).start_failed is starting


@pytest.mark.parametrize(("kind", "error"), DECISIONS)
def test_a_decision_says_the_failures_in_a_row_and_when_they_are_over(kind, error):
    event = decided(kind, error, starting=False)
    counts = kind not in (events.ChildHeld, events.ChildPaused)  # those cost nothing
    assert (event.streak, event.healthy_after, event.echo_of) == (1 + counts, 5.0, "")


def test_a_streak_that_is_over_is_over_on_the_next_event():
    sim = tree(stand_in("a", restart=Restart.TRANSIENT, policy=EVERY), intensity=9).begin()
    sim.crash("a")
    sim.pass_time(6.0)
    sim.end("a")
    assert the(sim, events.ChildExited).streak == 0


def test_a_failure_under_maintenance_says_so_whatever_follows():
    sim = tree(stand_in("a", restart=Restart.TEMPORARY), stand_in("b"), stand_in("c"), slow="b")
    sim.stubborn = {"c"}
    sim.begin()
    sim.pause()
    sim.crash("a")
    sim.fail("b")
    sim.terminate_child("c")
    sim.pass_time(60.0)
    for kind in (events.ChildExited, events.ChildStartFailed, events.ChildPaused, events.ChildRefused):
        assert the(sim, kind).paused, kind
    sim.resume()
    sim.slow = set()
    sim.crash("b")
    assert not the(sim, events.ChildRestarting).paused


# ------------------------------------------------------------------------------------------------ echoes

ECHOES = [
    Crashed(IntensityReached("root/sub", "root/sub/x", 3, 5.0)),
    Crashed(StartError("root/sub/x", "no")),
    Crashed(StartTimeout("root/sub/x", 3.0)),
    Crashed(ChildRefused(("root/sub/x",))),
]
OWN = [
    Normal(),
    Killed(),
    Crashed(RuntimeError("root/sub gave up: root/sub/x ended")),
    Crashed(StartTimeout("root/sub", 3.0)),
    Crashed(IntensityReached("root/sub", "root/subway", 3, 5.0)),
]


@pytest.mark.parametrize("exit", ECHOES)
def test_a_supervisor_that_fails_over_a_child_says_over_which(exit):
    for policy in (None, EVERY):
        sim = tree(supervisor("sub", policy=policy)).begin()
        sim.end("sub", exit)
        told = [event for event in sim.events if isinstance(event, events.ChildRestarting | events.ChildFailed)]
        assert [event.echo_of for event in told] == ["root/sub/x"]


@pytest.mark.parametrize("exit", OWN)
def test_a_supervisor_that_fails_by_itself_is_no_echo_whatever_its_error_says(exit):
    sim = tree(supervisor("sub")).begin()
    sim.end("sub", exit)
    assert the(sim, events.ChildRestarting).echo_of == ""


def test_a_failed_start_over_a_child_and_one_that_is_over_are_echoes_too():
    sim = tree(supervisor("sub"), stand_in("b"), slow=["sub"]).begin()
    sim.fail("sub", StartError("root/sub/x", "no"))
    assert the(sim, events.ChildStartFailed).echo_of == "root/sub/x"
    sim = tree(supervisor("sub", restart=Restart.TEMPORARY)).begin()
    sim.end("sub", ECHOES[0])
    assert the(sim, events.ChildExited).echo_of == "root/sub/x"


def test_a_fatal_failure_below_that_is_left_down_under_maintenance_is_an_echo():
    sim = tree(supervisor("sub")).begin()
    sim.pause()
    sim.end("sub", Crashed(FatalFailure("root/sub", "root/sub/x", "config_error")))
    assert the(sim, events.ChildPaused).echo_of == "root/sub/x"


def test_a_supervisor_in_which_somebody_refuses_to_stop_is_an_echo_and_the_one_who_refuses_is_not():
    sim = tree(supervisor("sub", restart=Restart.TEMPORARY)).begin()
    sim.tell_end("sub", Refused(("root/sub/x",)))
    assert the(sim, events.ChildExited).echo_of == "root/sub/x"


def test_the_one_above_that_gives_up_over_an_echo_says_so():
    sim = tree(supervisor("sub"), intensity=0).begin()
    sim.end("sub", ECHOES[0])
    gave_up = the(sim, events.IntensityReached)
    assert (gave_up.offender, gave_up.echo_of) == ("root/sub", "root/sub/x")


# ------------------------------------------------------------------------------------------------ requests


def test_that_a_child_is_forgiven_or_has_another_spec_is_told():
    sim = tree(stand_in("a"), stand_in("b")).begin()
    sim.reset("a")
    assert the(sim, events.ChildForgiven).path == "root/a"
    sim.reset()
    assert [event.path for event in sim.of(events.ChildForgiven)] == ["root/a", "root/a", "root/b"]
    sim.replace(stand_in("b", policy=EVERY))
    assert (the(sim, events.ChildReplaced).path, the(sim, events.ChildReplaced).healthy_after) == ("root/b", 5.0)
