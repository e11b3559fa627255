"""Requests that meet starts, stops and retries, and what they leave behind: pitfalls 14, 22-24, 26, 27, 30, 36."""

import contextvars

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import (
    AlreadyStarted,
    NoProc,
    StartError,
    dynamic_supervisor,
    events,
    exits,
    open_supervisor,
    supervisor,
    worker,
)
from otp.core import inputs
from otp.testing import EventRecorder, FailStart, Hang, Journal, Probe, Run
from tests.simulation import Simulation, stand_in

UNLIMITED = {"intensity": 10**6, "period": 1.0}
colour = contextvars.ContextVar("colour", default="none")


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


@pytest.mark.virtual_time
async def test_a_restart_that_hangs_is_ended_by_a_terminate_and_its_timer_with_it_pitfall_14():
    old, new, recorder = Probe("c", Run(), Hang()), Probe("c"), EventRecorder()
    async with open_supervisor(supervisor("root", children=[old.spec(start_timeout=5.0)]), hooks=[recorder]) as root:
        old.crash()
        await recorder.wait_for(events.ChildRestarting)
        await anyio.sleep(1.0)
        await root.terminate_child("c")
        assert (old.alive, root.child("c").state) == (0, "stopped")
        await root.delete_child("c")
        await root.start_child(new.spec())
        await anyio.sleep(60.0)
        assert (old.starts, new.starts, new.alive) == (2, 1, 1)
        assert (root.child("c").state, root.child("c").generation) == ("running", 1)
        assert not recorder.of(events.ChildStartFailed)


async def test_a_terminate_ends_the_tries_of_a_failed_restart_pitfall_14():
    old, new = Probe("c", Run(), FailStart(ValueError("no"))), Probe("c")
    async with open_supervisor(supervisor("root", **UNLIMITED, children=[old.spec()])) as root:
        old.crash()
        await turns(40)
        await root.terminate_child("c")
        tries = old.starts
        await root.delete_child("c")
        await root.start_child(new.spec())
        await turns(40)
        assert (old.starts, old.alive) == (tries, 0)
        assert (new.starts, new.alive, root.child("c").crashes) == (1, 1, 0)


@pytest.mark.parametrize(
    "stale",
    [
        inputs.Started("c", 2, "of the old one"),
        inputs.StartFailed("c", 2, exits.Crashed(ValueError("of the old one"))),
        inputs.Exited("c", 2, exits.Crashed(ValueError("of the old one"))),
        inputs.Ignored("c", 2),
        inputs.TryAgain("c", exits.Crashed(ValueError("of the old one"))),
        inputs.RestartDue("c", 2),
        inputs.Checked("c", 2, ()),
        inputs.TimerFired(inputs.Timer("c", 2, inputs.TimerKind.RETRY)),
        inputs.TimerFired(inputs.Timer("c", 2, inputs.TimerKind.START)),
        inputs.TimerFired(inputs.Timer("c", 2, inputs.TimerKind.SHUTDOWN)),
    ],
    ids=lambda stale: type(stale).__name__,
)
def test_what_comes_late_from_a_deleted_child_does_not_touch_the_new_one_of_that_name_pitfall_14(stale):
    simulation = Simulation(supervisor("root", children=[stand_in("c", start_timeout=5.0)])).begin()
    simulation.slow.add("c")
    simulation.crash("c")
    simulation.terminate_child("c")
    simulation.delete_child("c")
    asked = simulation.start_child(stand_in("c", start_timeout=9.0))
    before = simulation.take_trace(), simulation.states, len(simulation.events), dict(simulation.timers)
    simulation.tell(stale)
    assert ([], *before[1:]) == (
        simulation.take_trace(),
        simulation.states,
        len(simulation.events),
        dict(simulation.timers),
    )
    assert not asked.answered


async def test_the_start_is_over_when_all_are_up_and_a_death_meanwhile_is_a_restart_pitfall_22():
    journal: Journal = []
    up, died = anyio.Event(), anyio.Event()

    async def short_lived(*, task_status):
        journal.append("a")
        task_status.started()
        if not died.is_set():
            died.set()
            raise ValueError
        up.set()
        await anyio.sleep_forever()

    async def slow(*, task_status):
        await died.wait()
        await turns()
        journal.append("b is up")
        task_status.started()
        await anyio.sleep_forever()

    children = [worker("a", short_lived, ready=True), worker("b", slow, ready=True), Probe("c", journal=journal).spec()]
    async with open_supervisor(supervisor("root", children=children)) as root:
        assert journal[:3] == ["a", "b is up", "start c"]
        await up.wait()
        assert journal == ["a", "b is up", "start c", "a"]
        assert (root.child("a").crashes, root.child("b").generation) == (1, 1)


@pytest.mark.parametrize("in_its_first_start", [True, False])
async def test_a_child_may_ask_its_supervisor_while_it_starts_pitfall_23(in_its_first_start):
    handles, seen = [], []

    async def asks(*, task_status):
        inner = handles[0].supervisor("inner")
        seen.append([(child.id, child.state) for child in inner.which_children()])
        seen.append(await inner.start_child(Probe("extra").spec()))
        await inner.terminate_child("extra")
        task_status.started()
        await anyio.sleep_forever()

    asking = worker("asks", asks, ready=True)
    async with open_supervisor(supervisor("root")) as root:
        handles.append(root)
        with anyio.fail_after(1):
            await root.start_child(supervisor("inner", children=[asking] * in_its_first_start))
            if not in_its_first_start:
                await root.start_child(asking, under="inner")
    assert seen == [[("asks", "starting")], 1]


async def test_a_supervisor_answers_while_a_child_is_slow_to_start_pitfall_24():
    slow, answers = Probe("slow", Hang()), []

    async def start(root):
        with pytest.raises(StartError, match="root/slow did not start: it was stopped while it was starting"):
            await root.start_child(slow.spec())
        answers.append("stopped")

    async with open_supervisor(supervisor("root")) as root, anyio.create_task_group() as callers:
        callers.start_soon(start, root)
        await turns()
        assert root.child("slow").state == "starting"
        with pytest.raises(AlreadyStarted):
            await root.start_child(slow.spec())
        assert await root.start_child(Probe("other").spec()) == 1
        assert answers == []
        await root.terminate_child("slow")
        await turns()
        assert answers == ["stopped"]
        assert (slow.starts, slow.alive, root.child("slow").state) == (1, 0, "stopped")


async def test_a_name_is_free_again_after_each_of_a_thousand_crashes_pitfall_26():
    a, recorder = Probe("a"), EventRecorder()
    async with open_supervisor(supervisor("root", **UNLIMITED, children=[a.spec()]), hooks=[recorder]) as root:
        for starts in range(2, 1_002):
            a.crash()
            while a.starts < starts:
                await checkpoint()
        await turns()
        assert (a.alive, root.child("a").generation) == (1, 1_001)
        assert not recorder.of(events.ChildStartFailed)


@pytest.mark.parametrize("make", [supervisor, dynamic_supervisor])
async def test_a_failed_start_leaves_no_name_behind_a_thousand_times_pitfall_26(make):
    broken = Probe("name", FailStart(ValueError("no")))
    async with open_supervisor(make("root")) as root:
        for _ in range(1_000):
            with pytest.raises(StartError):
                await root.start_child(broken.spec())
        assert root.which_children() == ()
        assert await root.start_child(Probe("name").spec()) == 1


async def test_a_caller_gets_noproc_at_once_when_the_supervisor_that_it_asked_ends_pitfall_27():
    gate, answers = anyio.Event(), []

    async def slow_to_stop():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await gate.wait()

    async def ask(root):
        with pytest.raises(NoProc) as raised:
            await root.restart("inner/slow")
        answers.append(raised.value.path)

    spec = supervisor("root", children=[supervisor("inner", children=[worker("slow", slow_to_stop)])])
    async with open_supervisor(spec) as root, anyio.create_task_group() as callers:
        await turns()
        callers.start_soon(ask, root)
        await turns()
        callers.start_soon(root.terminate_child, "inner")
        await turns()
        assert answers == ["root/inner"]
        assert root.child("inner").state == "stopping"
        gate.set()


async def test_an_answer_that_comes_too_late_is_dropped_and_the_next_caller_gets_his_own_pitfall_27():
    gate = anyio.Event()

    async def slow(value, *, task_status):
        await gate.wait()
        task_status.started(value)
        await anyio.sleep_forever()

    async with open_supervisor(supervisor("root")) as root:
        async with anyio.create_task_group() as callers:
            callers.start_soon(root.start_child, worker("a", slow, "late", ready=True))
            await turns()
            callers.cancel_scope.cancel()
        gate.set()
        assert await root.start_child(worker("b", slow, "right", ready=True)) == "right"
        assert await root.restart("a") == "late"


async def test_requests_that_wait_when_the_supervisor_stops_get_noproc_pitfall_30():
    gate, answers = anyio.Event(), []

    async def slow_to_stop():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await gate.wait()

    async def ask(request, *args):
        with pytest.raises(NoProc):
            await request(*args)
        answers.append(request.__name__)

    async def note_and_let_go():
        await turns()
        answers.append("and only then")
        gate.set()

    names = [f"slow{n}" for n in range(4)]
    spec = supervisor("root", children=[worker(name, slow_to_stop) for name in names])
    async with anyio.create_task_group() as callers, open_supervisor(spec) as root:
        await turns()
        callers.start_soon(ask, root.terminate_child, "slow0")
        callers.start_soon(ask, root.restart, "slow1")
        callers.start_soon(ask, root.start_child, Probe("new", Hang()).spec())
        await turns()
        for request in (root.restart_child, root.delete_child):
            callers.start_soon(ask, request, "slow0")
        await turns()
        assert answers == []
        callers.start_soon(note_and_let_go)
    assert sorted(answers[:5]) == ["delete_child", "restart", "restart_child", "start_child", "terminate_child"]
    assert answers[5:] == ["and only then"]


@pytest.mark.parametrize("make", [supervisor, dynamic_supervisor])
async def test_a_child_inherits_the_context_of_its_supervisor_and_not_of_the_caller_pitfall_36(make):
    seen = []

    async def child(*, task_status):
        seen.append(colour.get())
        colour.set("of the child before")
        task_status.started()
        await anyio.sleep_forever()

    colour.set("of the supervisor")
    async with open_supervisor(supervisor("root", children=[make("inner")])) as root:
        colour.set("of the caller")
        await root.start_child(worker("c", child, ready=True), under="inner")
        await root.restart("inner/c")
        assert root.child("inner/c").path == "root/inner/c"
    assert seen == ["of the supervisor", "of the supervisor"]
