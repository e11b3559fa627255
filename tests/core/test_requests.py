"""What the supervisor answers, by the state of the child (S49-S52, E2)."""

import pytest

from otp.core import inputs
from otp.errors import (
    AlreadyPresent,
    AlreadyStarted,
    NotFound,
    NotSupported,
    Restarting,
    Running,
    StartError,
)
from otp.events import ChildExited
from otp.exits import Normal
from otp.spec import Restart, Strategy, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in


def tree(*children, **options):
    specs = [c if not isinstance(c, str) else stand_in(c) for c in children]
    sim = Simulation(supervisor("root", children=specs, **options)).begin()
    sim.take_trace()
    return sim


def dynamic(**options):
    return Simulation(dynamic_supervisor("root", **options)).begin()


def in_state(state):
    """A supervisor whose child `a` is in that state."""
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("z")], strategy=Strategy.REST_FOR_ONE))
    if state in ("starting", "pending"):
        sim.slow.add("a")
    if state == "exited":
        sim.slow.add("z")
    sim.begin()
    match state:
        case "pending":
            return Simulation(supervisor("root", children=[stand_in("z"), stand_in("a")]), slow="z").begin()
        case "exited":
            sim.crash("a")
        case "stopping":
            sim.stubborn.add("a")
            sim.terminate_child("a")
        case "stopped":
            sim.terminate_child("a")
        case "refused":
            sim.stubborn.add("a")
            sim.terminate_child("a")
            sim.pass_time(6.0)
        case "done":
            sim.slow.add("a")
            sim.crash("a")
            sim.ignore("a")
    assert sim.states["a"] == state
    return sim


def answer(asked):
    return asked.result.__class__.__name__ if asked.answered else "waits"


TABLE = {
    #            start_child       terminate_child  restart_child  delete_child
    "pending": ("AlreadyPresent", "NoneType", "Restarting", "Restarting"),
    "starting": ("AlreadyStarted", "NoneType", "Running", "Running"),
    "running": ("AlreadyStarted", "NoneType", "Running", "Running"),
    "exited": ("AlreadyPresent", "NoneType", "Restarting", "Restarting"),
    "stopping": ("waits", "waits", "waits", "waits"),
    "stopped": ("AlreadyPresent", "NoneType", "NoneType", "NoneType"),
    "done": ("AlreadyPresent", "NoneType", "waits", "NoneType"),
    "refused": ("AlreadyStarted", "ChildRefused", "Running", "Running"),
}


@pytest.mark.parametrize("state", TABLE)
def test_the_answers_by_the_state_of_the_child_s36_s49_s52(state):
    answers = (
        answer(in_state(state).start_child(stand_in("a"))),
        answer(in_state(state).terminate_child("a")),
        answer(in_state(state).restart_child("a")),
        answer(in_state(state).delete_child("a")),
    )
    assert answers == TABLE[state]


@pytest.mark.parametrize("ask", ["terminate_child", "restart_child", "delete_child", "restart"])
def test_an_unknown_child_is_not_found_and_the_known_ones_are_named(ask):
    result = getattr(tree("a", "b"), ask)("c").result
    assert isinstance(result, NotFound)
    assert str(result) == "root/c: no such child; it has a, b"


def test_terminate_child_answers_when_the_child_is_gone_and_keeps_its_spec_s50():
    sim = tree("a")
    sim.stubborn.add("a")
    first, second = sim.terminate_child("a"), sim.terminate_child("a")
    assert not first.answered
    sim.end("a")
    assert first.answered
    assert second.answered
    assert sim.trace == ["stop a"]
    assert sim.states == {"a": "stopped"}


@pytest.mark.parametrize("build", [lambda: tree("z"), dynamic])
def test_terminate_child_forgets_temporary_and_dynamic_children_s50(build):
    sim = build()
    sim.start_child(stand_in("a", restart=Restart.TEMPORARY))
    sim.terminate_child("a")
    assert "a" not in sim.states


def test_terminate_child_forgets_a_dynamic_child_that_waits_for_its_next_try_s50():
    sim = dynamic()
    sim.start_child(stand_in("a"))
    sim.slow.add("a")
    sim.crash("a")
    sim.machine.handle(inputs.StartFailed("a", sim.live.pop("a"), Normal()), sim.now)
    assert sim.states == {"a": "restarting"}
    assert sim.terminate_child("a").result is None
    assert sim.states == {}


def test_a_child_that_crashes_in_its_stop_is_not_restarted_s48_pitfall_15():
    sim = tree("a")
    sim.stubborn.add("a")
    asked = sim.terminate_child("a")
    sim.crash("a")
    assert asked.result is None
    assert sim.states == {"a": "stopped"}
    assert sim.machine.window.used == 0


def test_terminating_a_child_that_starts_answers_both_who_waited_pitfall_24():
    sim = tree()
    sim.slow.add("a")
    started = sim.start_child(stand_in("a"))
    terminated = sim.terminate_child("a")
    assert isinstance(started.result, StartError)
    assert str(started.result) == "root/a did not start: it was stopped while it was starting"
    assert terminated.result is None


def test_a_child_that_ignores_instead_of_stopping_is_down():
    sim = tree()
    sim.slow.add("a")
    sim.stubborn.add("a")
    sim.start_child(stand_in("a"))
    asked = sim.terminate_child("a")
    sim.ignore("a")
    assert asked.answered
    assert sim.states == {"a": "stopped"}


def test_terminating_a_child_whose_end_waits_for_a_decision_wins_s48():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="b").begin()
    sim.crash("a")
    sim.terminate_child("a")
    sim.ready("b")
    assert sim.states == {"a": "stopped", "b": "running"}
    assert sim.machine.window.used == 0


def test_terminating_the_second_of_two_whose_ends_wait_tells_its_own_end():
    sim = Simulation(supervisor("root", children=[stand_in(id) for id in "abc"]), slow="c").begin()
    sim.crash("a", ValueError("of a"))
    sim.crash("b", ValueError("of b"))
    sim.terminate_child("b")
    assert [(event.path, str(event.exit)) for event in sim.of(ChildExited)] == [("root/b", "ValueError: of b")]
    sim.ready("c")
    assert sim.states == {"a": "running", "b": "stopped", "c": "running"}


def test_terminating_a_child_whose_turn_has_not_come_leaves_it_out():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="a").begin()
    assert sim.terminate_child("b").result is None
    sim.ready("a")
    assert sim.states == {"a": "running", "b": "stopped"}


def test_terminating_the_child_that_a_startup_waits_for_lets_the_others_start():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("b")]), slow="a").begin()
    sim.terminate_child("a")
    assert sim.trace == ["start a", "stop a", "start b", "ready"]


def test_restart_child_starts_what_is_down_and_gives_its_value_s51():
    sim = tree("a")
    sim.terminate_child("a")
    sim.slow.add("a")
    asked = sim.restart_child("a")
    sim.ready("a", "port 81")
    assert asked.result == "port 81"
    assert sim.machine.window.used == 0


def test_a_restart_child_that_fails_stays_down_and_is_not_tried_again_s51_pitfall_31():
    sim = tree("a", intensity=0)
    sim.terminate_child("a")
    sim.failing.add("a")
    asked = sim.restart_child("a")
    assert isinstance(asked.result, StartError)
    assert sim.states == {"a": "stopped"}
    assert sim.exit is None


def test_a_request_that_waited_for_the_end_is_handled_as_if_it_came_then():
    sim = tree(stand_in("a", ready=False))
    sim.stubborn.add("a")
    asked = [sim.terminate_child("a"), sim.restart_child("a"), sim.delete_child("a"), sim.terminate_child("a")]
    sim.stubborn.clear()
    sim.end("a")
    assert [request.result.__class__ for request in asked] == [type(None), type(None), Running, type(None)]
    assert sim.states == {"a": "stopped"}


def test_delete_child_forgets_what_is_down_s52():
    sim = tree("a", "b")
    sim.terminate_child("a")
    assert sim.delete_child("a").result is None
    assert sim.states == {"b": "running"}
    assert isinstance(sim.restart_child("a").result, NotFound)


def test_five_manual_cycles_cost_nothing_at_intensity_zero_s30():
    sim = tree("a", intensity=0)
    for _ in range(5):
        sim.terminate_child("a")
        sim.restart_child("a")
    assert sim.exit is None
    assert sim.states == {"a": "running"}


@pytest.mark.parametrize("ask", ["restart_child", "delete_child"])
def test_a_dynamic_supervisor_has_no_children_that_are_down_s51_s52(ask):
    result = getattr(dynamic(), ask)("a").result
    assert isinstance(result, NotSupported)
    assert "dynamic supervisors, which keep no children that are down" in str(result)


def test_messages_say_what_to_do_instead():
    assert str(AlreadyStarted("root/a")).endswith("terminate_child it first, or choose another id")
    assert str(AlreadyPresent("root/a")).endswith("restart_child it, or delete_child it first")
    assert str(Running("root/a")).endswith("terminate_child it first")
    assert str(Restarting("root/a")).endswith("terminate_child ends that")
