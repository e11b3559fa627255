"""Faults on purpose: what happens to the worker that is hit, and to nobody else, and that nothing is left over."""

import functools
import math
from asyncio import CancelledError

import anyio
import pytest

from otp import (
    FailurePolicy,
    IntensityReached,
    NotFound,
    NotSupported,
    Restart,
    beat,
    open_supervisor,
    supervisor,
    worker,
)
from otp.errors import FaultError
from otp.events import ChildExited, ChildRestarting, ChildStarted
from otp.exits import Shutdown
from otp.faults import FLAP_UP, LONGEST_BLOCK, Faults, InjectedCrash
from otp.observe.incidents import Incidents
from otp.policy import Backoff, RestartAfter, on
from otp.testing import EventRecorder, Probe, Run
from otp.testing import InjectedCrash as OfTheTestKit


class Stage:
    """A tree with faults: a worker on top and two below, and what happened in it."""

    def __init__(self, *acts, policy=None, intensity=1000, sleep=None):
        self.probe = Probe("b", *(acts or (Run(),)))
        self.other = Probe("a")
        self.faults = Faults() if sleep is None else Faults(sleep=sleep)
        self.events = EventRecorder()
        self.incidents = Incidents()
        below = supervisor(
            "below",
            intensity=intensity,
            children=[self.probe.spec(policy=policy), worker("plain", forever)],
        )
        self.spec = supervisor("root", intensity=0, children=[self.other.spec(), below])

    def open(self):
        return open_supervisor(self.faults.around(self.spec), hooks=[self.events, self.incidents])

    def inject(self, kind, **options):
        return self.faults.inject("root/below/b", kind, **options)

    async def restarted(self, count=1, path="root/below/b"):
        return await self.events.wait_for(ChildRestarting, path, count=count)

    async def up(self, count, path="root/below/b"):
        return await self.events.wait_for(ChildStarted, path, count=count)

    def crashes(self, path="root/below/b"):
        return [event.exit.crash.type for event in self.events.of(ChildRestarting, path)]


async def forever():
    await anyio.sleep_forever()


async def turns():
    for _ in range(5):
        await anyio.sleep(0)


INJECTED = "otp.faults.InjectedCrash"


async def test_a_crash_restarts_the_worker_that_is_hit_and_no_other():
    stage = Stage()
    async with stage.open() as root:
        stage.inject("crash")
        await stage.up(2)
        assert stage.crashes() == [INJECTED]
        assert {child.path: child.generation for child in root.walk()} == {
            "root/a": 1,
            "root/below": 1,
            "root/below/b": 2,
            "root/below/plain": 1,
        }
        assert root.child("below/b").crashes == 1
        assert stage.faults.active() == ()


@pytest.mark.parametrize("path", ["root/a", "root/below/b", "root/below/plain"])
async def test_workers_of_all_levels_and_kinds_can_be_hit(path):
    stage = Stage()
    stage.spec = supervisor("root", children=stage.spec.children)
    async with stage.open():
        await turns()
        stage.faults.inject(path, "crash")
        await stage.up(2, path)
        assert stage.crashes(path) == [INJECTED]


@pytest.mark.virtual_time
async def test_a_worker_that_is_hit_cleans_up_first():
    stage = Stage(Run(cleanup=2.0))
    async with stage.open():
        begun = anyio.current_time()
        stage.inject("crash")
        assert stage.probe.alive == 1
        restarting = await stage.restarted()
        assert restarting.at == pytest.approx(begun + 2.0)


async def test_each_incarnation_that_follows_crashes_the_moment_it_is_up_as_often_as_asked():
    stage = Stage()
    async with stage.open() as root:
        stage.inject("crash", times=3)
        await stage.up(4)
        await turns()
        assert stage.crashes() == [INJECTED] * 3
        assert (root.child("below/b").state, root.child("below/b").generation) == ("running", 4)
        assert stage.faults.active() == ()


async def test_a_crash_too_many_takes_the_supervision_down_as_any_other():
    stage = Stage(intensity=2)
    with pytest.raises(IntensityReached, match="root gave up: root/below"):
        async with stage.open():
            stage.inject("crash", times=3)
            await anyio.sleep_forever()


@pytest.mark.virtual_time
async def test_nobody_is_hit_when_the_seconds_are_over():
    every_4_s = FailurePolicy(on(Exception, RestartAfter(Backoff(4.0, factor=1.0, jitter=0.0))))
    stage = Stage(policy=every_4_s)
    async with stage.open():
        injected = stage.inject("crash", times=100, seconds=10.0)
        await anyio.sleep(9.0)
        (active,) = stage.faults.active()
        assert (active.path, active.kind, active.left, active.until) == ("root/below/b", "crash", 97, injected.until)
        await anyio.sleep(2.0)
        assert stage.faults.active() == ()
        await anyio.sleep(100.0)
        assert (stage.probe.starts, stage.probe.alive) == (4, 1)


@pytest.mark.virtual_time
async def test_a_worker_that_is_starting_is_hit_when_it_is_up():
    faults, events = Faults(), EventRecorder()

    async def slow(*, task_status):
        await anyio.sleep(5.0)
        task_status.started("value")
        await anyio.sleep_forever()

    tree = supervisor("root", children=[worker("quick", forever), worker("slow", slow, ready=True)])
    async with anyio.create_task_group() as group:

        async def hit():
            await anyio.sleep(1.0)
            faults.inject("root/slow", "crash")

        group.start_soon(hit)
        async with open_supervisor(faults.around(tree), hooks=[events]) as root:
            restarting = await events.wait_for(ChildRestarting, "root/slow")
            started = events.of(ChildStarted, "root/slow")[0]
            assert restarting.at == started.at
            assert (await events.wait_for(ChildStarted, "root/slow", count=2)).downtime == pytest.approx(5.0)
            assert root.child("slow").value == "value"


async def test_a_cancellation_that_nobody_asked_for_is_a_crash():
    stage = Stage()
    async with stage.open():
        stage.inject("cancel", times=2)
        await stage.up(3)
        own = (
            "trio.Cancelled"
            if anyio.get_cancelled_exc_class() is not CancelledError
            else "asyncio.exceptions.CancelledError"
        )
        assert stage.crashes() == [own, own]
        assert stage.faults.active() == ()


@pytest.mark.virtual_time
async def test_a_worker_that_hangs_counts_as_up_and_does_nothing_until_the_time_is_over():
    stage = Stage()
    async with stage.open() as root:
        stage.inject("hang", seconds=20.0)
        await anyio.sleep(19.0)
        child = root.child("below/b")
        assert (child.state, child.generation, stage.probe.alive) == ("running", 1, 0)
        assert [(one.kind, one.left) for one in stage.faults.active()] == [("hang", 0)]
        await anyio.sleep(2.0)
        assert stage.crashes() == [INJECTED]
        assert (root.child("below/b").generation, stage.probe.alive) == (2, 1)
        assert stage.faults.active() == ()


@pytest.mark.virtual_time
async def test_a_stop_ends_a_hang_at_once_and_in_order():
    stage = Stage()
    async with stage.open() as root:
        stage.inject("hang")
        await anyio.sleep(1.0)
        begun = anyio.current_time()
        await root.terminate_child("below/b")
        assert anyio.current_time() == begun
        exited = await stage.events.wait_for(ChildExited, "root/below/b")
        assert exited.exit == Shutdown()
        assert stage.faults.active() == ()


@pytest.mark.virtual_time
async def test_the_incarnation_that_follows_a_hang_hangs_too_if_that_was_asked_for():
    stage = Stage()
    async with stage.open() as root:
        stage.inject("hang", times=2, seconds=20.0)
        await anyio.sleep(1.0)
        await root.restart("below/b")
        await anyio.sleep(1.0)
        assert (root.child("below/b").generation, stage.probe.alive) == (2, 0)
        await root.restart("below/b")
        await anyio.sleep(1.0)
        assert (root.child("below/b").generation, stage.probe.alive) == (3, 1)


@pytest.mark.virtual_time
async def test_a_watchdog_finds_a_hang_before_it_is_over():
    faults, events = Faults(), EventRecorder()

    async def beating():
        while True:
            beat()
            await anyio.sleep(0.5)

    tree = supervisor("root", children=[worker("w", beating, watchdog=1.0)])
    async with open_supervisor(faults.around(tree), hooks=[events]) as root:
        await anyio.sleep(10.0)
        begun = anyio.current_time()
        faults.inject("root/w", "hang", seconds=30.0)
        restarting = await events.wait_for(ChildRestarting, "root/w")
        assert restarting.at - begun <= 1.0
        assert restarting.exit.crash.type == "otp.errors.Hung"
        await anyio.sleep(60.0)
        assert (root.child("w").state, root.child("w").generation, faults.active()) == ("running", 2, ())


@pytest.mark.virtual_time
async def test_a_stop_that_comes_while_a_worker_cleans_up_after_a_hit_is_a_stop():
    stage = Stage(Run(cleanup=2.0))
    async with stage.open() as root:
        stage.inject("crash")
        await anyio.sleep(1.0)
        await root.terminate_child("below/b")
        assert (await stage.events.wait_for(ChildExited, "root/below/b")).exit == Shutdown()


async def test_a_worker_that_swallows_the_cancellation_that_it_is_hit_with_crashes_when_it_returns():
    stage = Stage()
    swallowed = []

    async def swallow():
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            swallowed.append(True)

    stage.spec = supervisor("root", children=[worker("s", swallow)])
    async with stage.open():
        await turns()
        stage.faults.inject("root/s", "crash")
        await stage.up(2, "root/s")
        assert (stage.crashes("root/s"), swallowed) == ([INJECTED], [True])


async def test_what_a_worker_raises_when_it_is_hit_is_what_it_ends_with():
    stage = Stage(Run(error=OSError("no disk")), Run())
    async with stage.open():
        stage.inject("crash")
        await stage.up(2)
        assert stage.crashes() == ["OSError"]
        assert stage.faults.active() == ()


@pytest.mark.virtual_time
async def test_a_blocked_loop_is_blocked_in_the_task_of_the_worker_for_as_long_as_asked():
    tasks = []

    def sleep(seconds):
        tasks.append((anyio.get_current_task().name, seconds))

    stage = Stage(sleep=sleep)
    async with stage.open():
        stage.inject("block-loop", seconds=30.0)
        await stage.up(2)
        ((name, seconds),) = tasks
        assert name == "root/below/b"
        assert seconds == pytest.approx(30.0)
        assert stage.crashes() == [INJECTED]


async def test_without_another_sleep_the_loop_is_really_blocked():
    stage = Stage()
    async with stage.open():
        before = anyio.current_time()
        stage.inject("block-loop", seconds=0.05)
        turns = 0
        while not stage.crashes():
            await anyio.sleep(0)
            turns += 1
        assert turns < 20
        assert anyio.current_time() >= before  # virtual clocks stand still while they are blocked


@pytest.mark.virtual_time
async def test_a_flapping_worker_is_up_for_a_moment_between_its_crashes():
    stage = Stage()
    async with stage.open():
        begun = anyio.current_time()
        stage.inject("flap", times=4, seconds=30.0)
        await stage.restarted(4)
        at = [event.at - begun for event in stage.events.of(ChildRestarting)]
        assert at == pytest.approx([0.0, FLAP_UP, 2 * FLAP_UP, 3 * FLAP_UP], abs=0.01)
        await anyio.sleep(40.0)
        assert (stage.probe.starts, stage.probe.alive) == (5, 1)


@pytest.mark.virtual_time
async def test_a_worker_flaps_for_as_long_as_asked_if_no_number_is_given():
    stage = Stage()
    async with stage.open():
        stage.inject("flap", seconds=1.05)
        assert stage.faults.active()[0].left is None
        await anyio.sleep(100.0)
        assert stage.crashes() == [INJECTED] * 11
        assert stage.probe.alive == 1


@pytest.mark.virtual_time
async def test_a_clear_ends_what_is_to_come():
    stage = Stage()
    async with stage.open():
        stage.inject("flap")
        await anyio.sleep(FLAP_UP * 2.5)
        stage.faults.clear()
        assert stage.faults.active() == ()
        before = stage.probe.starts
        await anyio.sleep(100.0)
        assert (stage.probe.starts, stage.probe.alive) == (before, 1)


@pytest.mark.virtual_time
async def test_a_clear_lets_who_hangs_crash_now():
    stage = Stage()
    async with stage.open():
        stage.inject("hang")
        await anyio.sleep(1.0)
        stage.faults.clear()
        begun = anyio.current_time()
        await stage.up(2)
        assert anyio.current_time() == begun
        assert (stage.crashes(), stage.probe.alive) == ([INJECTED], 1)


@pytest.mark.virtual_time
async def test_a_worker_that_cleared_its_hit_can_be_hit_again():
    stage = Stage()
    async with stage.open():
        stage.inject("flap")
        await stage.up(2)
        stage.faults.clear()
        stage.inject("crash")
        await stage.up(3)
        await anyio.sleep(100.0)
        assert stage.probe.starts == 3


@pytest.mark.virtual_time
@pytest.mark.parametrize("kind", ["crash", "cancel", "hang", "flap"])
async def test_an_incident_of_it_is_marked_and_one_afterwards_is_not(kind):
    stage = Stage()
    async with stage.open():
        injected = stage.inject(kind, times=1, seconds=10.0)
        stage.incidents.injecting(injected.path, injected.marked_until)
        await stage.up(2)
        await anyio.sleep(20.0)
        stage.probe.crash(ValueError("by itself"))
        await stage.up(3)
        assert [incident.injected for incident in stage.incidents.all()] == [True, False]


async def test_only_what_can_be_hit_is_hit_and_the_answer_says_what_to_do():
    stage = Stage()
    async with stage.open() as root:
        for path in ("root", "root/below"):
            with pytest.raises(NotSupported, match=f"{path}: a fault is not for supervisors; name a worker"):
                stage.faults.inject(path, "crash")
        with pytest.raises(NotFound, match="root/x: no such child; it has root/a, root/below/b, root/below/plain"):
            stage.faults.inject("root/x", "crash")
        await root.start_child(worker("late", forever))
        with pytest.raises(NotFound, match="root/late"):
            stage.faults.inject("root/late", "crash")
        await root.terminate_child("below/b")
        with pytest.raises(FaultError, match=r"root/below/b: it is not running; start it first"):
            stage.inject("crash")
        await root.restart_child("below/b")
        stage.inject("hang")
        with pytest.raises(
            FaultError, match=r"root/below/b: hang is injected there already, for .* s more; wait until"
        ):
            stage.inject("crash")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "explode"}, "expected one of crash, cancel, hang, block-loop, flap, got 'explode'"),
        ({"times": 0}, "times: expected a whole number above 0, got 0"),
        ({"times": 1.5}, "times: expected a whole number above 0, got 1.5"),
        ({"seconds": 0}, "seconds: expected finite seconds above 0, got 0"),
        ({"seconds": math.inf}, "seconds: expected finite"),
        ({"seconds": math.nan}, "seconds: expected finite"),
        ({"kind": "block-loop", "seconds": LONGEST_BLOCK + 1}, "block-loop is for 60 s at the most, got 61 s"),
    ],
)
async def test_numbers_that_make_no_sense_are_refused(options, message):
    stage = Stage()
    async with stage.open():
        with pytest.raises(FaultError, match=message):
            stage.faults.inject("root/below/b", **{"kind": "crash", **options})
        assert stage.faults.active() == ()


async def test_a_worker_that_ends_by_itself_can_be_hit_in_its_next_life():
    stage = Stage()
    async with stage.open():
        stage.probe.crash(ValueError("by itself"))
        await stage.up(2)
        stage.inject("crash")
        await stage.up(3)
        assert stage.crashes() == ["ValueError", INJECTED]


async def test_the_specs_are_the_same_but_for_the_function_which_leads_to_the_workers_own():
    stage = Stage()
    policy = FailurePolicy(on(ValueError, RestartAfter(Backoff(1.0))))
    old = worker("w", forever, policy=policy, shutdown=3.0)
    (new,) = stage.faults.around(supervisor("root", children=[old])).children
    assert new.run.__wrapped__ is forever
    assert (new.id, new.args, new.policy, new.shutdown) == (old.id, old.args, old.policy, old.shutdown)


async def test_a_worker_keeps_its_arguments_its_result_and_its_value():
    faults, got, events = Faults(), [], EventRecorder()

    async def work(*args, task_status, option):
        got.append((args, option))
        task_status.started("value")

    run = functools.partial(work, option=3)
    tree = supervisor("root", children=[worker("w", run, 1, 2, ready=True, restart=Restart.TRANSIENT)])
    async with open_supervisor(faults.around(tree), hooks=[events]) as root:
        exited = await events.wait_for(ChildExited, "root/w")
        assert got == [((1, 2), 3)]
        assert str(exited.exit) == "returned"
        assert root.child("w").state == "done"


def test_an_injected_crash_can_be_told_from_others_by_its_type():
    assert OfTheTestKit is InjectedCrash
