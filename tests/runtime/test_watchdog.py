"""Watchdogs: who gives no sign of life in time is found, in the time that was said, and nobody else is."""

import asyncio
import math

import anyio
import pytest
import sniffio
import trio
from anyio.lowlevel import checkpoint

import otp
from otp import ChildRefused, Hung, Strategy, Watchdog, open_supervisor, supervisor, worker
from otp.events import ChildExited, ChildHung, ChildLate, ChildRestarting, ChildStarted
from otp.events import ChildRefused as Refused
from otp.exits import Shutdown
from otp.policy import FailurePolicy, GiveUp, on
from otp.runtime.beat import _NOBODY, PULSE
from otp.testing import EventRecorder, Probe, Refuse, Run

virtual = pytest.mark.virtual_time


async def silent():
    await anyio.sleep_forever()


async def beating(every, beats=10**9):
    for _ in range(beats):
        await anyio.sleep(every)
        otp.beat()
    await anyio.sleep_forever()


def one(run, *args, **options):
    return supervisor("root", children=[worker("w", run, *args, **options)], intensity=10**6, period=1.0)


def block(seconds):
    """Let the clock go on without the event loop."""
    if sniffio.current_async_library() == "trio":
        trio.lowlevel.current_clock().jump(seconds)
    else:
        asyncio.get_running_loop()._jumping.now += seconds


# ------------------------------------------------------------------------------------------------ beats


@virtual
async def test_a_worker_that_never_beats_is_stopped_after_its_time_and_started_again():
    events = EventRecorder()
    began = anyio.current_time()
    async with open_supervisor(one(silent, watchdog=30.0), hooks=[events]) as root:
        await anyio.sleep(31)
        assert root.child("w").generation == 2
        assert root.child("w").crashes == 1
    (hung,) = events.of(ChildHung)
    assert (hung.path, hung.generation) == ("root/w", 1)
    assert hung.at - began == pytest.approx(30.0, abs=0.001)
    assert hung.silent == pytest.approx(30.0, abs=0.001)
    assert hung.chain[0].startswith("silent (")
    (restarting,) = events.of(ChildRestarting)
    crash = restarting.exit.crash
    assert crash.type == "otp.errors.Hung"
    assert crash.message.startswith("root/w gave no sign of life for 30 s, in silent (runtime/test_watchdog.py:")
    assert crash.frames[0].endswith(" silent")


@virtual
async def test_a_worker_that_beats_in_time_is_left_alone():
    events = EventRecorder()
    async with open_supervisor(one(beating, 29.0, watchdog=30.0), hooks=[events]) as root:
        await anyio.sleep(3600)
        assert root.child("w").generation == 1
    assert not events.of(ChildHung)


@virtual
@pytest.mark.parametrize("last", [10.0, 29.0, 30.0, 100.0])
async def test_the_time_runs_from_its_last_beat(last):
    events = EventRecorder()
    async with open_supervisor(one(beating, last / 5, 5, watchdog=30.0), hooks=[events]):
        began = anyio.current_time()
        await anyio.sleep(last + 30.5)
    assert [round(event.at - began, 3) for event in events.of(ChildHung)] == [last + 30.0]


@virtual
async def test_the_time_runs_from_its_being_up():
    async def slow(*, task_status):
        await anyio.sleep(100)
        task_status.started()
        await anyio.sleep_forever()

    events = EventRecorder()
    async with open_supervisor(one(slow, ready=True, watchdog=30.0), hooks=[events]):
        assert not events.of(ChildHung)
        await anyio.sleep(30.5)
    assert [round(event.silent, 3) for event in events.of(ChildHung)] == [30.0]


@virtual
async def test_the_next_incarnation_has_its_own_time():
    events = EventRecorder()
    async with open_supervisor(one(silent, watchdog=30.0), hooks=[events]):
        await anyio.sleep(95)
    assert [(event.generation, round(event.silent, 3)) for event in events.of(ChildHung)] == [
        (1, 30.0),
        (2, 30.0),
        (3, 30.0),
    ]


@virtual
async def test_its_tasks_beat_for_it():
    async def divided():
        async with anyio.create_task_group() as group:
            group.start_soon(beating, 20.0)
            await anyio.sleep_forever()

    async with open_supervisor(one(divided, watchdog=30.0)) as root:
        await anyio.sleep(300)
        assert root.child("w").generation == 1


@virtual
async def test_each_child_beats_for_itself_only(monkeypatch):
    monkeypatch.setattr(_NOBODY, "_warned", True)
    spec = supervisor(
        "root",
        children=[worker("lively", beating, 5.0, watchdog=30.0), worker("hanging", silent, watchdog=40.0)],
    )
    events = EventRecorder()
    async with open_supervisor(spec, hooks=[events]):
        otp.beat()
        await anyio.sleep(50)
        otp.beat()
    assert {event.path for event in events.of(ChildHung)} == {"root/hanging"}


@virtual
async def test_a_child_of_a_tree_inside_a_worker_does_not_beat_for_that_worker():
    async def inner():
        async with open_supervisor(supervisor("inner", children=[worker("x", beating, 5.0)])):
            await anyio.sleep_forever()

    events = EventRecorder()
    async with open_supervisor(one(inner, watchdog=30.0), hooks=[events]):
        await anyio.sleep(31)
    assert len(events.of(ChildHung)) == 1


@pytest.mark.parametrize(
    "anyio_backend", ["asyncio", ("asyncio", {"use_uvloop": True}), "trio"], ids=["asyncio", "uvloop", "trio"]
)  # no virtual clock waits for a thread
async def test_its_threads_beat_for_it(anyio_backend):
    beaten = anyio.Event()

    async def threaded():
        PULSE.get().last = -math.inf
        await anyio.to_thread.run_sync(otp.beat)
        assert PULSE.get().last > -math.inf
        beaten.set()
        await anyio.sleep_forever()

    async with open_supervisor(one(threaded, watchdog=3600.0)):
        await beaten.wait()


async def test_a_beat_without_a_watchdog_is_nothing_and_one_outside_of_a_worker_is_told_of_once(monkeypatch):
    monkeypatch.setattr(_NOBODY, "_warned", False)
    beaten = anyio.Event()

    async def careless():
        otp.beat()
        assert PULSE.get() is None
        beaten.set()
        await anyio.sleep_forever()

    with pytest.warns(RuntimeWarning, match="was called outside of a worker, so no watchdog hears it") as told:
        otp.beat()
        async with open_supervisor(one(careless)):
            otp.beat()
            await beaten.wait()
    assert [one.filename for one in told] == [__file__]


@virtual
async def test_a_beat_with_an_old_time_counts():
    """The clock of uvloop stands still while the loop waits, so a thread leaves the time of the last turn."""
    pulses = []

    async def work():
        pulses.append(PULSE.get())
        await anyio.sleep_forever()

    events = EventRecorder()
    async with open_supervisor(one(work, watchdog=30.0), hooks=[events]):
        await anyio.sleep(29)
        began = pulses[0].last
        pulses[0].beat()
        pulses[0].last = began
        await anyio.sleep(30)
        assert not events.of(ChildHung)
        await anyio.sleep(2)
    assert len(events.of(ChildHung)) == 1


# ------------------------------------------------------------------------------------------------ progress


class Legacy:
    """A worker that knows nothing of otp."""

    def __init__(self, turns=10**9):
        self.turns = 0
        self.looks = 0
        self._last = turns

    async def run(self):
        while self.turns < self._last:
            await anyio.sleep(10)
            self.turns += 1
        await anyio.sleep_forever()

    def progress(self):
        self.looks += 1
        return self.turns


@virtual
async def test_whose_progress_changes_is_left_alone_and_looked_at_once_in_that_time():
    legacy = Legacy()
    async with open_supervisor(one(legacy.run, watchdog=Watchdog(within=30.0, progress=legacy.progress))) as root:
        await anyio.sleep(3601)
        assert root.child("w").generation == 1
    assert legacy.looks == pytest.approx(1 + 120, abs=1)


@virtual
async def test_whose_progress_stands_still_is_found_within_twice_the_time():
    legacy, events = Legacy(turns=10), EventRecorder()
    spec = one(legacy.run, watchdog=Watchdog(within=30.0, progress=legacy.progress))
    async with open_supervisor(spec, hooks=[events]):
        began = anyio.current_time()
        await events.wait_for(ChildHung)
        assert 130 <= anyio.current_time() - began <= 160.001
    assert events.of(ChildHung)[0].silent >= 30.0


@virtual
async def test_a_progress_that_raises_is_none_and_told_with_what_it_raised():
    def broken():
        raise ZeroDivisionError("counts")

    events = EventRecorder()
    policy = FailurePolicy(on(Hung, GiveUp(), where=lambda hung: isinstance(hung.__cause__, ZeroDivisionError)))
    async with open_supervisor(
        one(silent, watchdog=Watchdog(within=30.0, progress=broken), policy=policy), hooks=[events]
    ) as root:
        await anyio.sleep(100)
        assert root.child("w").state == "failed"
    (hung,) = events.of(ChildHung)
    assert str(hung.crash) == "ZeroDivisionError: counts"
    assert hung.silent == pytest.approx(30.0, abs=0.001)


@virtual
async def test_values_that_cannot_be_compared_are_no_progress():
    class Strange:
        def __eq__(self, other):
            raise TypeError("never ask")

        __hash__ = None

    events = EventRecorder()
    async with open_supervisor(one(silent, watchdog=Watchdog(within=30.0, progress=Strange)), hooks=[events]):
        await anyio.sleep(31)
    assert [str(event.crash) for event in events.of(ChildHung)] == ["TypeError: never ask"]


@virtual
async def test_an_interrupt_in_progress_stops_the_tree_in_order_and_goes_on_upwards():
    calls = []

    def leave():
        calls.append(anyio.current_time())
        if len(calls) > 1:
            raise SystemExit(3)

    a = Probe("a")
    spec = supervisor("root", children=[a.spec(), worker("w", silent, watchdog=Watchdog(within=30.0, progress=leave))])
    with pytest.raises(SystemExit):
        async with open_supervisor(spec):
            await anyio.sleep_forever()
    assert a.journal == ["start a", "end a"]
    assert len(calls) == 2


# ------------------------------------------------------------------------------------------------ who else is there


@virtual
async def test_a_hung_worker_has_its_shutdown_time_to_clean_up_and_is_never_doubled():
    slow = Probe("slow", Run(cleanup=3.0), Run())
    events = EventRecorder()
    async with open_supervisor(supervisor("root", children=[slow.spec(watchdog=30.0)]), hooks=[events]):
        await anyio.sleep(32)
        assert (slow.starts, slow.alive) == (1, 1)
        await anyio.sleep(2)
        assert (slow.starts, slow.alive) == (2, 1)
    assert events.of(ChildStarted)[-1].downtime < 1.0


@virtual
async def test_one_that_refuses_to_stop_is_told_twice_and_its_supervisor_gives_up():
    stubborn, events = Probe("stubborn", Refuse(60)), EventRecorder()
    spec = supervisor("root", children=[stubborn.spec(watchdog=30.0, shutdown=2.0)])
    with pytest.raises(ChildRefused):
        async with open_supervisor(spec, hooks=[events]):
            await anyio.sleep_forever()
    assert stubborn.starts == 1
    (hung,), (late,), (refused,) = events.of(ChildHung), events.of(ChildLate), events.of(Refused)
    assert "Probe._obey" in " ".join(hung.chain)
    assert "Probe._refuse" in " ".join(late.chain)
    assert late.at - hung.at == pytest.approx(2.0, abs=0.001)
    assert refused.at > late.at


@virtual
async def test_a_request_to_stop_it_wins():
    slow, events = Probe("slow", Run(cleanup=3.0)), EventRecorder()
    async with open_supervisor(
        supervisor("root", children=[slow.spec(watchdog=30.0)], intensity=0), hooks=[events]
    ) as root:
        await events.wait_for(ChildHung)
        await root.terminate_child("slow")
        assert root.child("slow").state == "stopped"
    assert [(event.asked, event.exit) for event in events.of(ChildExited, "root/slow")] == [(True, Shutdown())]


@virtual
async def test_its_group_is_restarted_with_it():
    a, b = Probe("a"), Probe("b")
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[a.spec(watchdog=30.0), b.spec()])
    async with open_supervisor(spec) as root:
        await anyio.sleep(31)
        assert (root.child("a").crashes, root.child("b").collateral) == (1, 1)


@virtual
async def test_one_that_is_down_is_not_watched():
    events, probe = EventRecorder(), Probe("w")
    async with open_supervisor(supervisor("root", children=[probe.spec(watchdog=30.0)]), hooks=[events]) as root:
        await root.terminate_child("w")
        await anyio.sleep(100)
        await root.restart_child("w")
        await anyio.sleep(29)
        assert not events.of(ChildHung)
        await anyio.sleep(2)
    assert len(events.of(ChildHung)) == 1


# ------------------------------------------------------------------------------------------------ the event loop


async def hesitant(every):
    while True:
        await anyio.sleep(every)
        for _ in range(5):
            await checkpoint()
        otp.beat()


@virtual
async def test_an_event_loop_that_stands_still_is_not_held_against_a_worker():
    events = EventRecorder()
    async with open_supervisor(one(hesitant, 29.5, watchdog=30.0), hooks=[events]):
        await anyio.sleep(29.25)
        block(600)
        await anyio.sleep(200)
        block(1)
        await anyio.sleep(200)
    assert not events.of(ChildHung)


@virtual
async def test_one_that_hangs_is_found_although_the_event_loop_stands_still_again_and_again():
    events = EventRecorder()
    async with open_supervisor(one(silent, watchdog=30.0), hooks=[events]):
        began = anyio.current_time()
        for _ in range(100):
            await anyio.sleep(0.1)
            block(1)
    assert events.of(ChildHung)[0].at - began < 30.0 + 3.0


@virtual
async def test_a_tree_without_watchdogs_never_wakes_for_them():
    async with open_supervisor(one(silent)) as root:
        await anyio.sleep(1)
        watchdogs = root._tree.watchdogs
        assert watchdogs._heap == []
        assert watchdogs._alarm._asleep_until == math.inf


@virtual
async def test_one_that_is_due_earlier_is_not_late():
    events = EventRecorder()
    async with open_supervisor(one(silent, watchdog=1000.0), hooks=[events]) as root:
        await anyio.sleep(5)
        await root.start_child(worker("v", silent, watchdog=20.0))
        await anyio.sleep(21)
    assert [event.path for event in events.of(ChildHung)] == ["root/v"]


async def test_workers_that_have_ended_do_not_stay_in_memory():
    runs = []

    async def crash():
        runs.append(None)
        if len(runs) < 2000:
            raise RuntimeError
        await anyio.sleep_forever()

    async with open_supervisor(one(crash, watchdog=3600.0)) as root:
        while len(runs) < 2000:
            await checkpoint()
        assert len(root._tree.watchdogs._heap) < 200
