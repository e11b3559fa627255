"""A child that fails while something that it needs is down is held until that is there again."""

import pytest

from otp import events
from otp.core import effects, inputs
from otp.errors import AlreadyPresent, IntensityReached, Restarting
from otp.exits import Shutdown
from otp.policy import Backoff, FailurePolicy, RestartAfter, on
from otp.spec import AutoShutdown, Restart, Strategy, supervisor
from tests.simulation import Simulation, stand_in

BLIP = FailurePolicy(on(OSError, RestartAfter(Backoff(1.0, jitter=0.0))), healthy_after=60.0)


def needy(*ids, down=(), **options):
    children = [stand_in(id, needs=("redis",)) for id in ids]
    return Simulation(supervisor("root", children=children, **options), down=down).begin()


def test_a_child_that_fails_while_what_it_needs_is_down_is_held_at_no_cost():
    sim = needy("a", "b", intensity=0, down=["redis"])
    sim.take_trace()
    sim.crash("a")
    assert sim.states == {"a": "held", "b": "running"}
    assert sim.of(events.ChildHeld)[0].needs == ("redis",)
    assert (sim.machine.window.used, sim.child("a").streak) == (0, 0)
    sim.pass_time(3600.0)
    assert sim.trace == []
    sim.come_back("redis")
    assert sim.trace == ["start a"]
    assert sim.states == {"a": "running", "b": "running"}
    assert sim.of(events.ChildRestarting)[0].verdict == "dependency_down"


def test_only_what_is_down_of_all_that_it_needs_is_named():
    sim = Simulation(supervisor("root", children=[stand_in("a", needs=("redis", "db"))]), down=["db"]).begin()
    sim.crash("a")
    assert sim.of(events.ChildHeld)[0].needs == ("db",)


def test_a_child_that_fails_while_what_it_needs_is_there_has_failed_like_any_other():
    sim = needy("a", intensity=0)
    sim.crash("a")
    assert isinstance(sim.exit.error, IntensityReached)


def test_a_held_child_can_be_terminated_and_stays_down():
    sim = needy("a", down=["redis"])
    sim.crash("a")
    assert sim.terminate_child("a").result is None
    sim.come_back("redis")
    assert sim.states == {"a": "stopped"}


def test_a_held_child_can_be_restarted_by_request():
    sim = needy("a", down=["redis"])
    sim.crash("a")
    sim.restart("a")
    assert sim.states == {"a": "running"}


def test_a_held_child_is_being_restarted_s36():
    sim = needy("a", down=["redis"])
    sim.crash("a")
    assert isinstance(sim.restart_child("a").result, Restarting)
    assert isinstance(sim.delete_child("a").result, Restarting)
    assert isinstance(sim.start_child(stand_in("a")).result, AlreadyPresent)


def test_the_first_start_goes_on_without_a_held_child_that_is_terminated():
    children = [stand_in("a", needs=("redis",)), stand_in("b")]
    sim = Simulation(supervisor("root", children=children), slow="a", down=["redis"]).begin()
    sim.fail("a")
    sim.terminate_child("a")
    assert sim.states == {"a": "stopped", "b": "running"}


def test_the_first_start_waits_for_what_a_child_needs():
    sim = Simulation(
        supervisor("root", children=[stand_in("a", needs=("redis",)), stand_in("b")]), slow="a", down=["redis"]
    ).begin()
    sim.fail("a")
    assert sim.states == {"a": "held", "b": "pending"}
    sim.slow.clear()
    sim.come_back("redis")
    assert sim.states == {"a": "running", "b": "running"}


def test_a_stop_ends_the_holding():
    sim = needy("a", down=["redis"])
    sim.crash("a")
    sim.stop()
    assert sim.exit == Shutdown()
    assert sim.states == {"a": "stopped"}


def test_a_held_child_keeps_no_exception():
    sim = needy("a", down=["redis"])
    sim.crash("a")
    assert sim.child("a").failed_with is None


def test_a_held_significant_child_counts_as_alive_s40():
    children = [
        stand_in(id, needs=needs, restart=Restart.TRANSIENT, significant=True)
        for id, needs in (("a", ("redis",)), ("b", ()))
    ]
    spec = supervisor("root", children=children, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)
    sim = Simulation(spec, down=["redis"]).begin()
    sim.crash("a")
    sim.end("b")
    assert sim.exit is None


def test_a_dependency_that_is_back_changes_nothing_for_a_child_that_does_not_wait_for_it():
    sim = needy("a", down=["redis"])
    sim.crash("a")
    sim.restart("a")
    sim.take_trace()
    sim.tell(inputs.RestartDue("a", 1))
    sim.tell(inputs.RestartDue("a", 2))
    sim.crash("a")
    sim.tell(inputs.RestartDue("a", 1))
    assert sim.states == {"a": "held"}
    sim.terminate_child("a")
    sim.tell(inputs.RestartDue("a", 2))
    assert sim.states == {"a": "stopped"}
    assert sim.trace == []


class Asking(Simulation):
    """Whether what is needed is there is said when the test says so."""

    def _execute(self, effect):
        if not isinstance(effect, effects.Check):
            super()._execute(effect)

    def answer(self, id, generation, *down):
        self.tell(inputs.Checked(id, generation, down))


def asking(*ids, **options):
    children = [stand_in(id, needs=("redis",)) for id in ids]
    sim = Asking(supervisor("root", children=children, **options)).begin()
    sim.take_trace()
    return sim


def test_an_answer_about_an_earlier_failure_does_not_count():
    sim = asking("a")
    sim.crash("a")
    sim.restart("a")
    sim.crash("a")
    sim.take_trace()
    sim.answer("a", 1)
    assert (sim.states, sim.trace) == ({"a": "held"}, [])
    sim.answer("a", 2)
    assert sim.trace == ["start a"]


def test_an_answer_that_comes_twice_counts_once():
    sim = asking("a")
    sim.crash("a")
    sim.answer("a", 1, "redis")
    sim.answer("a", 1)
    assert (sim.states, sim.trace) == ({"a": "held"}, [])


def test_an_answer_about_a_child_that_was_terminated_meanwhile_does_not_count_and_nothing_is_kept():
    sim = asking("a")
    sim.crash("a")
    sim.terminate_child("a")
    assert sim.child("a").failed_with is None
    sim.answer("a", 1)
    assert (sim.states, sim.trace) == ({"a": "stopped"}, [])


def test_an_answer_about_a_child_that_its_group_has_started_meanwhile_does_not_count_and_nothing_is_kept():
    sim = asking("a", "b", strategy=Strategy.ONE_FOR_ALL)
    sim.crash("a")
    sim.restart("b")
    sim.answer("a", 1)
    assert sim.trace == ["stop b", "start a", "start b"]
    assert sim.child("a").failed_with is None


@pytest.mark.parametrize(
    ("down", "then"), [((), ["stop c", "stop b", "start a", "start b", "start c"]), (("redis",), [])]
)
def test_an_answer_that_comes_during_another_restart_waits_for_it(down, then):
    sim = asking("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    sim.crash("a")
    sim.stubborn.add("c")
    sim.restart("b")
    sim.answer("a", 1, *down)
    assert sim.take_trace() == ["stop c"]
    sim.stubborn.clear()
    sim.end("c", Shutdown())
    assert sim.trace == ["stop b", "start b", "start c", *then]
    assert sim.states["a"] == ("held" if down else "running")
    assert sim.child("a").failed_with is None


def test_a_held_child_whose_dependency_is_back_waits_for_the_delays_of_its_group():
    children = [stand_in("a", needs=("redis",)), stand_in("b", policy=BLIP)]
    sim = Simulation(supervisor("root", children=children, strategy=Strategy.ONE_FOR_ALL), down=["redis"]).begin()
    sim.crash("a")
    sim.crash("b", OSError())
    sim.take_trace()
    sim.come_back("redis")
    assert sim.states == {"a": "backoff", "b": "backoff"}
    sim.pass_time(1.0)
    assert sim.trace == ["start a", "start b"]
