"""Between a start that failed and the next try, a moment in which anything else may happen."""

import pytest

from otp.core import effects
from otp.spec import AutoShutdown, Restart, Strategy, supervisor
from tests.simulation import Simulation, stand_in

GROUPED = pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])


class Between(Simulation):
    """The next try does not come before the test says so: `go_on()`."""

    def __init__(self, *children, **options):
        super().__init__(supervisor("root", children=children, **options))
        self.tries = []
        self.begin()

    def _execute(self, effect):
        if isinstance(effect, effects.Retry):
            self.tries.append(effect.note)
        else:
            super()._execute(effect)

    def go_on(self):
        while self.tries:
            self.tell(self.tries.pop(0))


def left_behind(strategy):
    """b has not started with its group and is tried again next; c and d are down over it."""
    sim = Between(*map(stand_in, "abcd"), strategy=strategy, intensity=9)
    sim.failing.add("b")
    sim.crash("a")
    assert sim.states == {"a": "running", "b": "restarting", "c": "stopped", "d": "stopped"}
    return sim


@GROUPED
def test_a_pause_between_two_tries_starts_those_behind(strategy):
    sim = left_behind(strategy)
    sim.pause("b")
    sim.go_on()
    assert sim.states == {"a": "running", "b": "paused", "c": "running", "d": "running"}


@GROUPED
def test_a_pause_between_two_tries_leaves_down_who_was_stopped_by_request(strategy):
    sim = left_behind(strategy)
    sim.terminate_child("c")
    sim.pause("b")
    assert sim.states == {"a": "running", "b": "paused", "c": "stopped", "d": "running"}


@GROUPED
def test_a_pause_between_two_tries_leaves_down_whose_restart_child_has_failed_s51(strategy):
    sim = left_behind(strategy)
    sim.failing.add("c")
    sim.restart_child("c")
    sim.pause("b")
    assert sim.states == {"a": "running", "b": "paused", "c": "stopped", "d": "running"}


@GROUPED
def test_a_pause_between_two_tries_starts_nobody_who_is_up_again(strategy):
    sim = left_behind(strategy)
    sim.restart_child("c")
    sim.take_trace()
    sim.pause("b")
    assert sim.trace == ["start d"]


@GROUPED
def test_a_pause_leaves_down_who_was_stopped_before_and_was_never_left_behind(strategy):
    sim = Between(*map(stand_in, "abcd"), strategy=strategy, intensity=9)
    sim.slow.add("b")
    sim.crash("a")
    sim.terminate_child("d")
    sim.fail("b")
    sim.pause("b")
    assert sim.states == {"a": "running", "b": "paused", "c": "running", "d": "stopped"}


def test_a_pause_between_two_tries_does_not_undo_another_restart_that_is_under_way():
    sim = left_behind(Strategy.REST_FOR_ONE)
    sim.slow.add("d")
    asked = sim.restart("d")
    sim.pause("b")
    sim.slow.clear()
    sim.ready("d")
    sim.go_on()
    assert asked.answered
    assert asked.result is None
    assert sim.states == {"a": "running", "b": "paused", "c": "running", "d": "running"}


def test_a_pause_between_two_tries_starts_nobody_twice_whom_another_restart_is_about_to_start():
    sim = left_behind(Strategy.REST_FOR_ONE)
    sim.slow.add("c")
    sim.restart("c")
    sim.take_trace()
    sim.pause("b")
    sim.ready("c")
    assert sim.trace == ["start d"]


def test_between_two_tries_a_significant_child_counts_as_alive_s40():
    spec = {"restart": Restart.TRANSIENT, "significant": True}
    sim = Between(stand_in("a", **spec), stand_in("b", **spec), auto_shutdown=AutoShutdown.ALL_SIGNIFICANT, intensity=9)
    sim.failing.add("a")
    sim.crash("a")
    assert sim.states == {"a": "restarting", "b": "running"}
    sim.end("b")
    assert sim.exit is None
    sim.failing.clear()
    sim.go_on()
    assert sim.states == {"a": "running", "b": "done"}
