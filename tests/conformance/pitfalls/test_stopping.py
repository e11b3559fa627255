"""How children and trees end: pitfalls 15-21."""

import os
import signal
import threading

import anyio
import pytest
from anyio.lowlevel import checkpoint

import otp
from otp import ChildRefused, dynamic_supervisor, events, exits, open_supervisor, supervisor, worker
from otp.testing import EventRecorder, Journal, Probe, Run


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


async def shielded_turns(count=5):
    with anyio.CancelScope(shield=True):
        await turns(count)


async def test_a_child_that_fails_while_it_is_terminated_is_not_restarted_and_told_once_pitfall_15():
    starts, recorder = 0, EventRecorder()

    async def fails_when_cancelled():
        nonlocal starts
        starts += 1
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("in the handler")

    spec = supervisor("root", intensity=0, children=[worker("c", fails_when_cancelled)])
    async with open_supervisor(spec, hooks=[recorder]) as root:
        await turns()
        await root.terminate_child("c")
        await turns()
        assert (starts, root.child("c").state) == (1, "stopped")
        (ended,) = recorder.of(events.ChildExited)
        assert ended.asked
        assert ended.exit.crash.message == "in the handler"
        assert not recorder.of(events.ChildRestarting)


async def test_a_terminate_that_comes_in_the_tick_of_the_crash_wins_pitfall_15():
    a, recorder = Probe("a"), EventRecorder()
    async with open_supervisor(supervisor("root", intensity=0, children=[a.spec()]), hooks=[recorder]) as root:
        a.crash()
        await root.terminate_child("a")
        await turns()
        assert (a.starts, root.child("a").state) == (1, "stopped")
        assert len(recorder.of(events.ChildExited)) == 1


@pytest.mark.virtual_time
@pytest.mark.parametrize(("dynamic", "seconds"), [(False, 0.9), (True, 0.3)], ids=["static", "dynamic"])
async def test_static_children_stop_in_turn_and_dynamic_ones_at_once_pitfall_16(dynamic, seconds):
    journal: Journal = []
    probes = [Probe(name, Run(cleanup=0.3), journal=journal) for name in "abc"]
    async with open_supervisor(dynamic_supervisor("root") if dynamic else supervisor("root")) as root:
        for probe in probes:
            await root.start_child(probe.spec())
        began = anyio.current_time()
    assert anyio.current_time() == pytest.approx(began + seconds, abs=0.01)
    assert dynamic or journal[3:] == ["end c", "end b", "end a"]


@pytest.mark.parametrize("raised_by_block", [None, KeyError("of the block")])
async def test_what_a_child_raises_while_it_is_stopped_changes_nothing_else_pitfall_17(raised_by_block):
    journal: Journal = []
    acts = {"a": Run(), "b": Run(error=ValueError("in finally")), "c": Run()}
    probes = [Probe(name, act, journal=journal) for name, act in acts.items()]
    recorder, caught = EventRecorder(), None
    try:
        async with open_supervisor(supervisor("root", children=[p.spec() for p in probes]), hooks=[recorder]):
            if raised_by_block:
                raise raised_by_block
    except BaseException as error:
        caught = error
    assert caught is raised_by_block
    assert journal[3:] == ["end c", "end b", "end a"]
    told = {event.path: event.exit for event in recorder.of(events.ChildExited)}
    assert told["root/b"].crash.type == "ValueError"
    assert [e.exit for e in recorder.of(events.SupervisorExited)] == [exits.Shutdown()]
    assert [p.starts for p in probes] == [1, 1, 1]


async def swallows(release):
    while not release.is_set():
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            pass


async def shields(release):
    with anyio.CancelScope(shield=True):
        while not release.is_set():
            await checkpoint()


async def blocks_in_a_thread(release):
    await anyio.to_thread.run_sync(release.wait)


@pytest.mark.parametrize("refuses", [swallows, shields, blocks_in_a_thread])
async def test_a_child_that_does_not_end_is_named_and_the_stop_goes_on_pitfall_18(refuses, monkeypatch):
    monkeypatch.setattr("otp.core.roster.KILL_PATIENCE", 0.0)
    journal: Journal = []
    release, recorder = threading.Event(), EventRecorder()
    a, z = Probe("a", journal=journal), Probe("z", journal=journal)

    def when_the_others_are_down(event):
        if isinstance(event, events.SupervisorExited):
            journal.append("supervisor down")
            release.set()

    async def child():
        await refuses(release)
        journal.append("end refusing")

    spec = supervisor("root", children=[a.spec(), worker("refusing", child, shutdown=0.0), z.spec()])
    with pytest.raises(ChildRefused) as raised:
        async with open_supervisor(spec, hooks=[recorder, when_the_others_are_down]):
            await turns()
    assert raised.value.paths == ("root/refusing",)
    assert journal[2:] == ["end z", "end a", "supervisor down", "end refusing"]
    (refused,) = recorder.of(events.ChildRefused)
    assert any(refuses.__name__ in step for step in refused.chain)
    assert recorder.of(events.SupervisorExited)[0].exit == exits.Refused(("root/refusing",))


@pytest.mark.virtual_time
async def test_a_subtree_with_too_little_time_leaves_no_grandchild_behind_pitfall_19():
    slow = [Probe(f"p{n}", Run(cleanup=0.4)) for n in range(3)]
    deep = supervisor("deep", shutdown=1.0, children=[p.spec(shutdown=60.0) for p in slow[1:]])
    inner = supervisor("inner", shutdown=0.1, children=[slow[0].spec(shutdown=60.0), deep])
    began = anyio.current_time()
    async with open_supervisor(supervisor("root", children=[inner])) as root:
        await root.terminate_child("inner")
        assert [p.alive for p in slow] == [0, 0, 0]
        assert anyio.current_time() == pytest.approx(began + 0.5, abs=0.01)


@pytest.mark.virtual_time
async def test_by_default_a_worker_has_five_seconds_and_a_subtree_what_it_needs_pitfall_19():
    slow, hanging = [Probe(f"p{n}", Run(cleanup=4.0)) for n in range(3)], Probe("hanging", Run(cleanup=5.25))
    inner = supervisor("inner", children=[p.spec() for p in slow])
    recorder, began = EventRecorder(), anyio.current_time()
    async with open_supervisor(supervisor("root", children=[hanging.spec(), inner]), hooks=[recorder]):
        pass
    told = {event.path: event.exit for event in recorder.of(events.ChildExited)}
    assert told["root/inner"] == exits.Shutdown()
    assert told["root/hanging"] == exits.Killed()
    assert anyio.current_time() == pytest.approx(began + 3 * 4.0 + 5.25, abs=0.01)


def family(journal):
    """Three levels; started a, b, c, d. Each takes some turns to clean up."""

    async def member(name, *, task_status):
        task_status.started()
        journal.append(f"start {name}")
        try:
            await anyio.sleep_forever()
        finally:
            journal.append(f"asked {name}")
            await shielded_turns()
            journal.append(f"end {name}")

    a, b, c, d = (worker(name, member, name, ready=True) for name in "abcd")
    inner = supervisor("inner", children=[b, supervisor("deep", children=[c])])
    return supervisor("root", children=[a, inner, d])


IN_ORDER = [f"{what} {name}" for name in "dcba" for what in ("asked", "end")]


async def test_a_cancelled_host_stops_the_tree_last_first_and_depth_first_pitfall_20():
    journal: Journal = []
    with anyio.CancelScope() as outside:
        async with anyio.create_task_group() as group, open_supervisor(family(journal)):
            group.start_soon(anyio.sleep_forever)
            outside.cancel()
            await anyio.sleep_forever()
    assert outside.cancelled_caught
    assert journal[4:] == IN_ORDER


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("backend", "uvloop"), [("asyncio", False), ("asyncio", True), ("trio", None)])
def test_a_signal_to_the_program_stops_the_tree_last_first_and_depth_first_pitfall_20(number, backend, uvloop):
    journal: Journal = []
    told = threading.Event()

    def when_up(event):
        if isinstance(event, events.SupervisorStarted) and event.path == "root" and not told.is_set():
            told.set()
            os.kill(os.getpid(), number)

    assert otp.run(family(journal), hooks=[when_up], backend=backend, uvloop=uvloop) == 0
    assert told.is_set()
    assert journal[4:] == IN_ORDER


async def test_children_are_told_to_shut_down_and_the_host_ends_with_its_own_reason_pitfall_21():
    reason, recorder = ZeroDivisionError("of the host"), EventRecorder()
    with pytest.raises(ZeroDivisionError) as raised:
        async with open_supervisor(
            supervisor("root", children=[Probe("a").spec(), supervisor("s", children=[Probe("b").spec()])]),
            hooks=[recorder],
        ):
            raise reason
    assert raised.value is reason
    told = {event.path: event.exit for event in recorder.of(events.ChildExited)}
    assert told == dict.fromkeys(["root/s/b", "root/s", "root/a"], exits.Shutdown())
