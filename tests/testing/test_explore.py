"""The explorer finds what is broken, by a shortest path, and walks each state once."""

import pytest

from otp.core import effects, inputs
from otp.core.child import Child, ChildState, Purpose
from otp.core.classify import classify
from otp.core.inputs import RestartNow, TerminateChild
from otp.core.intensity import RestartWindow
from otp.core.machine import SupervisorMachine
from otp.core.plan import Plan
from otp.policy import Backoff, FailurePolicy, RestartAfter
from otp.spec import Restart, Strategy, dynamic_supervisor, supervisor
from otp.testing import Violation, explore
from otp.testing.happenings import Asks, Crashes, Fails, Gone, Late, Passes, Returns, Stops, Up
from otp.testing.observed import Transitions, observed
from otp.testing.snapshot import _LEFT_OUT, fork, imprint
from otp.testing.world import World
from tests.simulation import stand_in

TERMINATE_A = Asks(TerminateChild("a", None))
PAUSE_A = Asks(inputs.Pause("a", None))
TERMINATE_B = Asks(TerminateChild("b", None))
RESTART_A = Asks(RestartNow("a", None))
RESTART_B = Asks(RestartNow("b", None))


def tree(strategy=Strategy.ONE_FOR_ONE, ids="ab", intensity=3, **options):
    children = [stand_in(id, **options) for id in ids]
    return supervisor("root", strategy=strategy, intensity=intensity, children=children)


def what_is_found(machine, spec, *happenings):
    with pytest.raises(Violation) as found:
        explore(spec, happenings, machine=machine)
    explore(spec, happenings)  # and it is the machine that is broken, not the tree
    return found.value


# ------------------------------------------------------------------------------------------------ broken machines


class HearsTheDead(SupervisorMachine):
    def current(self, id, generation):
        return self.children.get(id)


def test_a_lost_check_of_the_generation_is_found():
    found = what_is_found(HearsTheDead, tree(), Crashes("a"))
    assert "is out of date, and leads to" in str(found)


class BelievesOldTimers(SupervisorMachine):
    def handle(self, event, now):
        child = self.children.get(event.timer.child) if isinstance(event, inputs.TimerFired) else None
        if child is not None and child.is_up:
            child.timer = event.timer
        return super().handle(event, now)


def test_a_timer_that_comes_too_late_and_is_believed_is_found():
    assert "is out of date" in str(what_is_found(BelievesOldTimers, tree(start_timeout=1.0), Crashes("a")))


class StopsInStartOrder(SupervisorMachine):
    def _stopped_all(self, plan):
        plan.to_stop.reverse()
        stopped = super()._stopped_all(plan)
        plan.to_stop.reverse()
        return stopped


@pytest.mark.parametrize("happening", [Stops(), Crashes("b")])
def test_a_wrong_order_of_stopping_is_found(happening):
    found = what_is_found(StopsInStartOrder, tree(Strategy.ONE_FOR_ALL, "abc"), happening)
    assert "a is asked to stop before" in str(found)
    assert found.path[-1] == happening


DELAYED = FailurePolicy(otherwise=RestartAfter(Backoff(1.0, jitter=0.0)))


class LeavesTheRestDown(SupervisorMachine):
    def _delay(self, *decided):
        if self.plan is not None and not self.plan.patient:
            self.plan = None
        super()._delay(*decided)


@pytest.mark.parametrize("happening", [Crashes("a"), RESTART_A])
def test_siblings_that_stay_down_for_one_that_waits_are_found(happening):
    children = [stand_in("a"), stand_in("b", policy=DELAYED), stand_in("c")]
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=children)
    found = what_is_found(LeavesTheRestDown, spec, happening, Fails("b"))
    assert "c stays down, and nobody has asked for that" in str(found)


class WaitsInEveryStart(SupervisorMachine):
    def handle(self, event, now):
        return super().handle(inputs.Begin() if isinstance(event, inputs.Begin) else event, now)


def test_a_supervisor_whose_restart_waits_for_a_leaf_that_waits_is_found():
    sub = supervisor("sub", children=[stand_in("x", policy=DELAYED)])
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[stand_in("a"), sub])
    found = what_is_found(WaitsInEveryStart, spec, Crashes("a"), Fails("sub/x"))
    assert "busy for ever" in str(found)


class StopsOneAtATime(SupervisorMachine):
    def __init__(self, spec, path):
        super().__init__(spec, path)
        self.one_at_a_time = spec

    def begin_stop(self, exit):
        dynamic, self.spec = self.spec, supervisor(self.spec.id)
        super().begin_stop(exit)
        self.spec = dynamic


def test_dynamic_children_that_are_not_stopped_at_once_are_found():
    adds = [Asks(inputs.StartChild(stand_in(id), None)) for id in "xy"]
    assert "at once" in str(what_is_found(StopsOneAtATime, dynamic_supervisor("root"), *adds, Stops()))


class DoesNotWait(SupervisorMachine):
    def _started_all(self, plan, purpose):
        plan.awaited = None
        return super()._started_all(plan, purpose) or not plan.to_start or self._started_all(plan, purpose)


def test_a_startup_that_does_not_wait_is_found():
    assert "b is started while a before it has not been up yet" in str(what_is_found(DoesNotWait, tree()))


class StartsTwice(SupervisorMachine):
    def start(self, child, purpose):
        super().start(child, purpose)
        if purpose is Purpose.RESTART:
            self.effects.append(effects.Start(child.spec.id, child.generation, child.spec))


def test_a_second_incarnation_beside_a_living_one_is_found():
    found = what_is_found(StartsTwice, tree(), Crashes("b"))
    assert "a second incarnation of b beside a living one" in str(found)


class TriesTheTerminatedAgain(SupervisorMachine):
    def handle(self, event, now):
        child = self.children.get(event.child) if isinstance(event, inputs.TryAgain) else None
        if child is not None and child.state is ChildState.STOPPED:
            child.state = ChildState.RESTARTING
        return super().handle(event, now)


def test_a_retry_after_a_terminate_is_found():
    found = what_is_found(TriesTheTerminatedAgain, tree(), TERMINATE_B, Crashes("b"), Fails("b"))
    assert TERMINATE_B in found.path


def test_a_terminated_child_that_a_group_restart_under_way_starts_is_found(monkeypatch):
    broken = tree(Strategy.ONE_FOR_ALL, ids="abc")
    monkeypatch.setattr(Plan, "drop", lambda plan, child: None)
    with pytest.raises(Violation, match="b was stopped by request, and is started"):
        explore(broken, [Crashes("c"), TERMINATE_B])


class RestartsUnderMaintenance(SupervisorMachine):
    def leave_paused(self, child, exit):
        self.window.record(self.now)
        self._restart(child, exit, classify(FailurePolicy(), exit).name)


def test_a_restart_under_maintenance_is_found():
    found = what_is_found(RestartsUnderMaintenance, tree(), PAUSE_A, Crashes("a"))
    assert "a is under maintenance, and restarted over a failure" in str(found)


class TakesAllAlong(SupervisorMachine):
    def restart_group(self, child, cause, exit, token=None):
        for sibling in self.children.values():
            if sibling.state is ChildState.PAUSED:
                sibling.state = ChildState.STOPPED
        super().restart_group(child, cause, exit, token)


def test_a_sibling_that_starts_who_is_down_over_its_maintenance_is_found():
    happenings = PAUSE_A, Crashes("a"), Crashes("b")
    found = what_is_found(TakesAllAlong, tree(Strategy.ONE_FOR_ALL), *happenings)
    assert "a is down over its maintenance, and a sibling takes it along" in str(found)
    assert found.path[-3:] == happenings


class ForgetsToAnswer(SupervisorMachine):
    def complete_with(self, token, value):
        pass


def test_a_lost_answer_is_found():
    assert "never answered: RestartNow b" in str(what_is_found(ForgetsToAnswer, tree(), RESTART_B))


class AnswersTwice(SupervisorMachine):
    def complete(self, token, result):
        super().complete(token, result)
        super().complete(token, result)


def test_a_second_answer_is_found():
    assert "a second answer to TerminateChild b" in str(what_is_found(AnswersTwice, tree(), TERMINATE_B))


class GenerousWindow(RestartWindow):
    def record(self, now):
        return super().record(now) or self.used == self.intensity + 1


class ForgetfulWindow(RestartWindow):
    def record(self, now):
        self._stamps.clear()
        return super().record(now)


class StrictWindow(RestartWindow):
    def record(self, now):
        self.period = 100.0
        return super().record(now)


@pytest.mark.parametrize("window", [GenerousWindow, ForgetfulWindow, StrictWindow])
def test_a_window_that_counts_wrong_is_found(window):
    class Miscounts(SupervisorMachine):
        def __init__(self, spec, path):
            super().__init__(spec, path)
            self.window = window(spec.intensity, spec.period)

    happenings = [Crashes("a"), Crashes("b"), Passes(6.0)]
    assert "within the period" in str(what_is_found(Miscounts, tree(intensity=1), *happenings))


def test_a_temporary_child_that_is_restarted_is_found(monkeypatch):
    monkeypatch.setattr("otp.core.termination.wants_restart", lambda restart, exit: True)
    with pytest.raises(Violation, match="temporary a is restarted"):
        explore(tree(restart=Restart.TEMPORARY), [Returns("a")])


class IgnoresStops(SupervisorMachine):
    def begin_stop(self, exit):
        pass


def test_a_stop_without_an_end_is_found():
    assert "never ends" in str(what_is_found(IgnoresStops, tree()))


class NeverDone(SupervisorMachine):
    def _done(self):
        pass


def test_a_supervisor_that_is_busy_with_nothing_is_found():
    assert "root is busy, and waits for nobody" in str(what_is_found(NeverDone, tree()))


class LeavesOneRunning(SupervisorMachine):
    def begin_stop(self, exit):
        children, self.children = self.children, {id: c for id, c in self.children.items() if id != "a"}
        super().begin_stop(exit)
        self.children = children


def test_an_end_before_that_of_the_children_is_found():
    assert "root is done while a live" in str(what_is_found(LeavesOneRunning, tree()))


class Raises(SupervisorMachine):
    def defer(self, event):
        raise LookupError(event.child)


def test_a_machine_that_raises_is_found():
    found = what_is_found(Raises, tree(), RESTART_B)
    assert "LookupError('b')" in str(found)
    assert isinstance(found.__cause__, LookupError)


def test_a_machine_below_the_root_is_watched_as_well():
    below = supervisor("sub", strategy=Strategy.ONE_FOR_ALL, children=[stand_in("x"), stand_in("y")])
    found = what_is_found(StopsInStartOrder, supervisor("root", children=[below]), Crashes("sub/x"), Stops())
    assert "x is asked to stop before y behind it is gone" in str(found)


# ------------------------------------------------------------------------------------------------ what is reported


def test_a_violation_tells_what_happened_and_what_was_done():
    found = what_is_found(StartsTwice, tree(), Crashes("b"), Asks(TerminateChild("a", None)), Stops())
    assert found.path == (Up("a"), Up("b"), Crashes("b"))
    assert str(found).splitlines() == [
        "a second incarnation of b beside a living one",
        "   0. the tree starts → start a",
        "   1. a is up → start b",
        "   2. b is up",
        "   3. b crashes → start b, start b",
    ]


def test_an_exploration_tells_how_much_was_seen():
    seen = explore(tree(ids="a"), [Crashes("a")])
    # it starts, is up, crashes and starts again, is up again; then the tree is stopped, and ends
    assert (seen.states, seen.deepest) == (6, 5)
    assert seen.steps == 6, "one more than it takes, since what stops may end well or raise"


# ------------------------------------------------------------------------------------------------ what is walked


def seen_in(spec, *happenings):
    worlds = []
    explore(spec, happenings, check=lambda world: worlds.append(fork(world)))
    return worlds


def test_all_orders_are_walked():
    stamps = {
        tuple(world.root.machine.children[id].crashes for id in "ab")
        for world in seen_in(tree(), Crashes("a"), Crashes("a"), Crashes("b"))
    }
    assert stamps == {(a, b) for a in range(3) for b in range(2)}


def test_what_is_given_may_not_happen():
    assert any(
        world.exit is not None and not world.root.witness.stamps for world in seen_in(tree(), Crashes("a"), Stops())
    )


def test_a_child_that_is_late_refuses_to_stop_and_may_be_gone_after_all():
    worlds = seen_in(tree(ids="a", shutdown=1.0), Late("a"), Late("a"), TERMINATE_A, Stops())
    refused = [world for world in worlds if "a" in world.root.live and world.root.live["a"].refused]
    assert {world.now for world in refused} == {1.5}
    assert any(world.exit is None and not world.root.live for world in worlds), "gone, and the tree is up"
    assert any(world.exit is not None and world.root.live for world in worlds), "the tree ends without it"


def test_timers_fire_in_the_order_of_their_times():
    spec = supervisor("root", children=[stand_in("a", shutdown=3.0), stand_in("b", shutdown=1.0)])
    for world in seen_in(spec, TERMINATE_A, TERMINATE_B, Late("a"), Late("b")):
        assert all(at >= world.now for at in world.root.timers.values())


def test_time_passes_only_while_no_timer_is_due():
    worlds = seen_in(tree(ids="a", shutdown=1.0), TERMINATE_A, Passes(6.0))
    assert {world.now for world in worlds} == {0.0, 6.0}
    assert all(at > world.now for world in worlds for at in world.root.timers.values())


def test_requests_reach_supervisors_below():
    spec = supervisor("root", children=[supervisor("sub", children=[stand_in("x")])])
    worlds = seen_in(spec, Asks(TerminateChild("x", None), of="sub"))
    below = [world.find("sub") for world in worlds]
    assert any(sub is not None and sub.machine.children["x"].state is ChildState.STOPPED for sub in below)


def test_a_check_of_ones_own_is_held_against_each_state():
    def nobody_crashes(world):
        assert not world.root.witness.stamps, "somebody has crashed"

    with pytest.raises(Violation, match="somebody has crashed") as found:
        explore(tree(ids="a"), [Crashes("a")], check=nobody_crashes)
    assert found.value.path == (Up("a"), Crashes("a"))


# ------------------------------------------------------------------------------------------------ copies and imprints


def world_after(spec, *happenings):
    world = World(spec)
    world.begin()
    for happening in happenings:
        world.take(happening)
    return world


def test_a_fork_goes_its_own_way():
    world = world_after(tree(Strategy.ONE_FOR_ALL), Up("a"), Up("b"), Crashes("a"))
    before = imprint(world)
    copy = fork(world)
    assert imprint(copy) == before
    copy.take(Gone("b"))
    assert imprint(copy) != before
    assert imprint(world) == before
    assert copy.root.machine.plan.to_start[0] is copy.root.machine.children["b"], "one object is one object again"


def test_worlds_with_the_same_future_are_the_same():
    spec = tree(ids="a")
    once = world_after(spec, Up("a"), Crashes("a"), Up("a"), Passes(6.0))
    never = world_after(spec, Up("a"))
    assert once.root.machine.children["a"].generation == 2
    assert imprint(once) == imprint(world_after(spec, Up("a"), Passes(1.0), Crashes("a"), Passes(6.0), Up("a")))
    assert imprint(once) != imprint(never), "their windows hold different numbers of stamps until they are pruned"


def test_worlds_with_different_futures_are_not():
    spec = tree(ids="a", shutdown=1.0)
    up = world_after(spec, Up("a"))
    assert imprint(up) != imprint(world_after(spec))
    assert imprint(up) != imprint(world_after(spec, Up("a"), Crashes("a"), Up("a"))), "a credit is spent"
    assert imprint(up) != imprint(world_after(spec, Up("a"), TERMINATE_A)), "it stops"


def test_what_an_imprint_leaves_out_still_exists():
    assert set(Child.__slots__) | set(vars(observed(Transitions())(tree(), ""))) >= _LEFT_OUT


def test_what_a_machine_gets_tomorrow_is_part_of_the_imprint():
    world = world_after(tree())
    before = imprint(world)
    world.root.machine.mood = "gloomy"
    assert imprint(world) != before
