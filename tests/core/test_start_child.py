"""`start_child`: a child is added, started, and its start is the answer (S49, E2)."""

from otp.errors import AlreadyStarted, MaxChildren, StartError, StartTimeout
from otp.spec import Restart, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in


def tree():
    return Simulation(supervisor("root")).begin()


def dynamic(**options):
    return Simulation(dynamic_supervisor("root", **options)).begin()


def test_start_child_adds_at_the_end_and_answers_with_the_value_when_it_is_up_s49():
    sim = tree()
    sim.start_child(stand_in("a"))
    sim.slow.add("b")
    asked = sim.start_child(stand_in("b"))
    assert not asked.answered
    sim.ready("b", "port 80")
    assert asked.result == "port 80"
    assert list(sim.states) == ["a", "b"]


def test_start_child_without_readiness_answers_at_once():
    assert tree().start_child(stand_in("b", ready=False)).answered


def test_start_child_answers_also_while_the_supervisor_starts_d4():
    sim = Simulation(supervisor("root", children=[stand_in("a")]), slow="a").begin()
    assert sim.start_child(stand_in("b")).answered
    assert sim.states == {"a": "starting", "b": "running"}


def test_a_start_child_that_fails_gives_the_cause_and_is_forgotten_s49():
    sim = tree()
    sim.slow.add("a")
    asked, error = sim.start_child(stand_in("a")), ValueError("no")
    sim.fail("a", error)
    assert isinstance(asked.result, StartError)
    assert asked.result.__cause__ is error
    assert sim.states == {}
    assert sim.machine.window.used == 0


def test_a_start_child_that_ignores_is_answered_with_none_and_kept_unless_temporary_s49():
    sim = tree()
    sim.slow.update("at")
    kept, gone = sim.start_child(stand_in("a")), sim.start_child(stand_in("t", restart=Restart.TEMPORARY))
    sim.ignore("a")
    sim.ignore("t")
    assert (kept.answered, kept.result, gone.answered, gone.result) == (True, None, True, None)
    assert sim.states == {"a": "done"}


def test_a_dynamic_supervisor_keeps_nothing_of_a_child_that_ignores_s24():
    sim = dynamic()
    sim.slow.add("a")
    assert sim.start_child(stand_in("a", restart=Restart.PERMANENT)).answered is False
    sim.ignore("a")
    assert sim.states == {}


def test_a_start_child_that_takes_too_long_is_stopped_and_forgotten():
    sim = tree()
    sim.slow.add("a")
    asked = sim.start_child(stand_in("a", start_timeout=2.0))
    sim.pass_time(2.0)
    assert isinstance(asked.result, StartTimeout)
    assert sim.states == {}


def test_a_second_start_child_behind_a_first_that_took_too_long_is_a_new_start():
    sim = tree()
    sim.slow.add("a")
    sim.stubborn.add("a")
    first = sim.start_child(stand_in("a", start_timeout=2.0))
    sim.pass_time(2.0)
    second = sim.start_child(stand_in("a"))
    sim.slow.clear()
    sim.end("a")
    assert isinstance(first.result, StartTimeout)
    assert second.result is None
    assert sim.states == {"a": "running"}


def test_a_temporary_start_child_keeps_no_arguments_s60():
    sim = tree()
    sim.start_child(stand_in("t", args=(object(),), restart=Restart.TEMPORARY))
    sim.start_child(stand_in("p", args=(1,)))
    assert (sim.child("t").spec.args, sim.child("p").spec.args) == ((), (1,))


def test_a_dynamic_supervisor_has_at_most_max_children_those_in_a_restart_included_e2():
    sim = dynamic(max_children=1)
    sim.start_child(stand_in("a"))
    sim.slow.add("a")
    sim.crash("a")
    result = sim.start_child(stand_in("b")).result
    assert isinstance(result, MaxChildren)
    assert str(result) == "root: already has max_children=1 children"
    sim.terminate_child("a")
    assert sim.start_child(stand_in("b")).result is None


def test_the_same_id_twice_is_answered_before_the_limit():
    sim = dynamic(max_children=1)
    sim.start_child(stand_in("a"))
    assert isinstance(sim.start_child(stand_in("a")).result, AlreadyStarted)
