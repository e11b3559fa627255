"""`replace`: another spec for a child; every start from then on goes by it."""

import dataclasses

import pytest

from otp.core.effects import Start
from otp.core.inputs import Exited, Replace, RestartNow, Started
from otp.errors import NoProc, NotFound
from otp.events import ChildDelayed, ChildFailed
from otp.exits import Crashed, Shutdown
from otp.policy import Backoff, FailurePolicy, GiveUp, Limited, RestartAfter, on
from otp.spec import Restart, dynamic_supervisor, supervisor
from tests.simulation import Simulation, stand_in

DELAYED = FailurePolicy(on(Exception, RestartAfter(Backoff(1.0, jitter=0.0))), healthy_after=7.0)


def other(id, **options):
    """A spec that cannot be taken for the one before: it has an argument."""
    return dataclasses.replace(stand_in(id, **options), args=(2,))


def tree(*children, **options):
    return Simulation(supervisor("root", children=children, **options)).begin()


def started_with(sim, event):
    """The specs that the machine starts children by when it is told this."""
    return [effect.spec for effect in sim.machine.handle(event, sim.now) if isinstance(effect, Start)]


def test_a_child_goes_on_as_it_is_until_something_starts_it_again():
    sim = tree(stand_in("a", ready=False), stand_in("b"))
    sim.take_trace()
    new = other("a", ready=False)
    assert sim.replace(new).answered
    assert sim.trace == []
    assert (sim.child("a").generation, sim.child("a").state) == (1, "running")
    assert started_with(sim, Exited("a", 1, Crashed(ValueError()))) == [new]


def test_a_restart_by_request_starts_it_by_the_new_spec():
    sim = tree(stand_in("a"))
    new = other("a")
    sim.replace(new)
    sim.terminate_child("a")
    assert started_with(sim, RestartNow("a", None)) == [new]


def test_the_supervisors_own_spec_has_the_new_one_in_the_place_of_the_old():
    old = [stand_in("a"), stand_in("b"), stand_in("c")]
    sim = tree(*old)
    new = other("b")
    sim.replace(new)
    assert sim.machine.spec.children == (old[0], new, old[2])


def test_a_child_that_was_added_later_has_no_place_in_the_supervisors_spec():
    sim = Simulation(dynamic_supervisor("root")).begin()
    sim.start_child(stand_in("a"))
    new = other("a")
    sim.replace(new)
    assert sim.machine.spec == dynamic_supervisor("root")
    assert sim.child("a").spec is new


def test_an_unknown_child_is_not_found_and_the_known_ones_are_listed():
    result = tree(stand_in("a"), stand_in("b")).replace(stand_in("x")).result
    assert isinstance(result, NotFound)
    assert str(result) == "root/x: no such child; it has a, b"


def test_a_supervisor_that_stops_takes_no_new_specs():
    sim = tree(stand_in("a"))
    sim.stubborn.add("a")
    sim.stop()
    old = sim.child("a").spec
    assert isinstance(sim.replace(other("a")).result, NoProc)
    assert sim.child("a").spec is old


def test_a_child_is_stopped_by_its_new_spec():
    sim = tree(stand_in("a", shutdown=1.0))
    sim.replace(stand_in("a", shutdown="brutal_kill"))
    sim.take_trace()
    sim.restart("a")
    assert sim.trace == ["kill a", "start a"]


def test_the_next_failure_is_judged_by_the_new_policy():
    sim = tree(stand_in("a"), intensity=0)
    sim.replace(stand_in("a", policy=FailurePolicy(on(ValueError, GiveUp()))))
    sim.crash("a", ValueError())
    assert [event.path for event in sim.of(ChildFailed)] == ["root/a"]


def test_without_its_policy_a_child_is_restarted_at_once_again():
    sim = tree(stand_in("a", policy=DELAYED))
    sim.replace(stand_in("a"))
    sim.crash("a")
    assert sim.of(ChildDelayed) == []
    assert sim.states == {"a": "running"}


def test_a_child_is_healthy_by_its_new_policy():
    sim = tree(stand_in("a"))
    assert sim.child("a").healthy_after == 60.0
    sim.replace(stand_in("a", policy=DELAYED))
    assert sim.child("a").healthy_after == 7.0


def test_a_child_that_names_new_needs_is_held_for_them():
    sim = tree(stand_in("a"))
    sim.down.add("redis")
    sim.replace(stand_in("a", needs=("redis",)))
    sim.crash("a")
    assert sim.states == {"a": "held"}


@pytest.mark.parametrize(("same_policy", "state"), [(True, "failed"), (False, "running")])
def test_the_limit_of_a_class_of_failures_begins_anew_with_another_policy_only(same_policy, state):
    def limited():
        return FailurePolicy(on(Exception, Limited(1, within=60.0, then=GiveUp())))

    policy = limited()
    sim = tree(stand_in("a", policy=policy))
    sim.crash("a")
    sim.replace(other("a", policy=policy if same_policy else limited()))
    sim.crash("a")
    assert sim.states == {"a": state}


def test_a_temporary_child_that_is_up_has_no_use_for_its_arguments():
    sim = tree(stand_in("t", restart=Restart.TEMPORARY))
    sim.replace(other("t", restart=Restart.TEMPORARY, shutdown=9.0))
    assert (sim.child("t").spec.args, sim.child("t").spec.shutdown) == ((), 9.0)
    assert sim.machine.spec.children[0].args == (2,)


def test_a_temporary_child_whose_turn_has_not_come_is_started_with_its_new_arguments():
    sim = Simulation(supervisor("root", children=[stand_in("a"), stand_in("t", restart=Restart.TEMPORARY)]), slow="a")
    sim.begin()
    new = other("t", restart=Restart.TEMPORARY)
    sim.replace(new)
    (spec,) = [e.spec for e in sim.machine.handle(Started("a", 1, None), 0.0) if isinstance(e, Start)]
    assert spec is new


def test_a_child_on_its_way_down_comes_back_by_its_new_spec():
    sim = tree(stand_in("a"))
    sim.stubborn.add("a")
    sim.restart("a")
    new = other("a")
    assert sim.replace(new).answered
    assert started_with(sim, Exited("a", 1, Shutdown())) == [new]


def test_nobody_need_wait_for_the_answer():
    sim = tree(stand_in("a"))
    sim.tell(Replace("a", other("a"), None))
    assert sim.child("a").spec.args == (2,)
