"""Hooks are told what happened after it was acted upon, in order, as text; and never harm the tree (C18, pitfall 34)."""

import asyncio
import gc
import weakref

import anyio
import msgspec
import pytest
from loguru import logger

from otp import log_events, open_supervisor, supervisor, worker
from otp.events import (
    ChildExited,
    ChildRestarting,
    ChildStarted,
    ChildStartFailed,
    Event,
    HookFailed,
    IntensityReached,
    SupervisorExited,
    SupervisorStarted,
    SupervisorStopping,
)
from otp.exits import Crash, Crashed
from otp.runtime.crash import FRAME_LIMIT, describe
from otp.spec import Restart
from otp.testing import EventRecorder, FailStart, Probe, Run
from otp.text.quoting import TEXT_LIMIT

UNLIMITED = {"intensity": 10**6, "period": 0.001}


async def turns(count=10):
    for _ in range(count):
        await anyio.sleep(0)


async def test_the_events_of_a_life_come_in_their_order():
    events, a = EventRecorder(), Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[events]):
        a.crash(ValueError("no"))
        await events.wait_for(ChildStarted, "root/a", count=2)
    assert [type(event) for event in events.events] == [
        ChildStarted,
        SupervisorStarted,
        ChildRestarting,
        ChildStarted,
        SupervisorStopping,
        ChildExited,
        SupervisorExited,
    ]
    assert sorted(event.at for event in events.events) == [event.at for event in events.events]


async def test_every_event_can_be_written_and_read_back():
    events, a = EventRecorder(), Probe("a", Run(), Run(), FailStart(KeyError("k")))
    with pytest.raises(Exception, match="gave up"):
        async with open_supervisor(supervisor("root", intensity=2, children=[a.spec()]), hooks=[events]):
            for starts in (2, 3):
                a.crash(ExceptionGroup("two", [ValueError("1"), KeyError("2")]))
                await events.wait_for(ChildRestarting, count=starts - 1)
            await anyio.sleep_forever()
    assert {type(event) for event in events.events} >= {ChildStartFailed, IntensityReached}
    for event in events.events:
        assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


async def test_a_crash_is_told_as_text():
    events, a = EventRecorder(), Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[events]):
        a.crash(ValueError("no\nlicence"))
        exit = (await events.wait_for(ChildRestarting)).exit
    assert isinstance(exit, Crashed)
    assert exit.error is None
    assert (exit.crash.type, exit.crash.message) == ("ValueError", "no licence")
    assert "Probe.run" in exit.crash.frames[0]
    assert "Probe._obey" in exit.crash.frames[-1]
    assert str(exit) == "ValueError: no licence"


@pytest.mark.parametrize("anyio_backend", ["asyncio", ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"])
async def test_a_restart_does_not_wait_for_the_hooks():
    """Event loops of asyncio run what is ready in its order, so it shows; trio shuffles."""
    lives_when_told, a = [], Probe("a")

    def hook(event):
        if isinstance(event, ChildRestarting):
            lives_when_told.append(a.starts)

    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[hook]):
        for _ in range(3):
            a.crash()
            await turns()
    assert lives_when_told == [2, 3, 4]


async def test_a_hook_that_raises_is_detached_and_the_others_are_told():
    good, told, a = EventRecorder(), [], Probe("a")

    def broken_hook(event):
        told.append(event)
        raise ZeroDivisionError("in a hook")

    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[broken_hook, good]):
        failed = await good.wait_for(HookFailed)
        a.crash()
        await good.wait_for(ChildStarted, "root/a", count=2)
    assert len(told) == 1
    assert (failed.path, failed.crash.type, failed.crash.message) == ("root", "ZeroDivisionError", "in a hook")
    assert failed.hook.endswith("broken_hook")
    assert isinstance(good.events[0], ChildStarted)


async def test_a_broken_hook_alone_does_not_stop_the_tree():
    class Broken:
        def __call__(self, event):
            raise ValueError

    a = Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[Broken()]):
        a.crash()
        await turns()
        assert a.starts == 2


@pytest.mark.parametrize("interrupt", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_an_interrupt_in_a_hook_stops_the_tree_in_order_and_goes_on_upwards(interrupt):
    def leaves(event):
        if isinstance(event, ChildRestarting):
            raise interrupt

    a, b, events = Probe("a"), Probe("b"), EventRecorder()
    with anyio.fail_after(5), pytest.raises(type(interrupt)) as raised:
        async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()]), hooks=[leaves, events]):
            a.crash()
            await anyio.sleep_forever()
    assert raised.value is interrupt
    assert [event.path for event in events.of(ChildExited)] == ["root/b", "root/a"]


async def test_hooks_can_be_attached_and_detached_while_the_tree_runs():
    events, a = EventRecorder(), Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()])) as root:
        root.attach(events)
        a.crash()
        await events.wait_for(ChildStarted, "root/a")
        assert not events.of(SupervisorStarted)
        root.detach(events)
        root.detach(events)
        count = len(events.events)
        a.crash()
        await turns()
        assert a.starts == 3
    assert len(events.events) == count


async def test_a_hook_may_ask_the_tree():
    a, extra, seen = Probe("a"), Probe("extra"), []

    def hook(event):
        if isinstance(event, ChildRestarting):
            seen.append(root.child("a").crashes)
            root.detach(hook)

    async with open_supervisor(supervisor("root", children=[a.spec(), extra.spec()])) as root:
        root.attach(hook)
        a.crash()
        await turns()
        a.crash()
        await turns()
    assert seen == [1]


async def test_what_happens_at_the_very_end_is_still_told():
    events = EventRecorder()
    async with open_supervisor(supervisor("root", children=[Probe("a").spec()]), hooks=[events]):
        pass
    assert isinstance(events.events[-1], SupervisorExited)


async def test_an_event_keeps_no_exception_no_traceback_and_no_locals():
    class Failure(Exception):
        pass

    events, refs = EventRecorder(), []

    async def child():
        local = Failure("kept by nobody")
        refs.append(weakref.ref(local))
        raise local

    async with open_supervisor(
        supervisor("root", children=[worker("c", child, restart=Restart.TEMPORARY)]), hooks=[events]
    ):
        await events.wait_for(ChildExited)
        await turns()
        gc.collect()
        assert refs[0]() is None
    assert events.of(ChildExited)[0].exit.crash.message == "kept by nobody"


async def test_a_thousand_dead_incarnations_leave_nothing_behind():
    class Witness:
        pass

    refs, over = [], anyio.Event()

    async def child():
        witness = Witness()
        refs.append(weakref.ref(witness))
        await anyio.sleep(0)
        if len(refs) == 1_000:
            over.set()
            await anyio.sleep_forever()
        raise ValueError(len(refs))

    async with open_supervisor(
        supervisor("root", **UNLIMITED, children=[worker("c", child)]), hooks=[lambda _: None]
    ) as root:
        await over.wait()
        await turns()
        gc.collect()
        assert sum(ref() is not None for ref in refs) == 1
        assert len(root._tree.timers._heap) == 0
        assert root._tree.root.machine.window.used <= 1_000


async def test_a_dynamic_supervisor_keeps_nothing_of_supervisors_that_came_and_went():
    async with open_supervisor(supervisor("root")) as root:
        for n in range(20):
            below = supervisor(f"s{n}", children=[Probe("a").spec()], restart=Restart.TEMPORARY)
            await root.start_child(below)
            await root.terminate_child(f"s{n}")
        assert root.which_children() == ()
        assert root._tree.root._ledgers == {}


def raising(depth):
    if depth:
        raising(depth - 1)
    raise ValueError("deep")


def test_of_a_deep_traceback_the_innermost_frames_are_kept():
    with pytest.raises(ValueError, match="deep") as raised:
        raising(100)
    frames = describe(raised.value).frames
    assert len(frames) == FRAME_LIMIT
    assert all(frame.endswith(" raising") for frame in frames)


def test_a_long_message_is_cut_and_control_characters_are_not_printed():
    crash = describe(ValueError("\x1b[31m" + "x" * 10_000))
    assert len(crash.message) == TEXT_LIMIT
    assert crash.message.startswith(" [31mxxx")
    assert crash.message.endswith("x…")
    assert len(describe(ValueError("y" * TEXT_LIMIT)).message) == TEXT_LIMIT


def test_an_exception_that_cannot_be_shown_is_described_all_the_same():
    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError

    assert describe(Unspeakable()).message == "<str() raised RuntimeError>"


def test_a_group_is_described_by_its_leaves():
    group = ExceptionGroup("outer", [ValueError("1"), ExceptionGroup("inner", [KeyError("2"), OSError()])])
    crash = describe(group)
    assert [leaf.type for leaf in crash.leaves] == ["ValueError", "KeyError", "OSError"]
    assert str(crash) == "ValueError: 1; KeyError: '2'; OSError"
    assert isinstance(crash, Crash)


async def test_hooks_are_told_of_a_restart_after_the_first_line_of_the_next_incarnation():
    seen, over = [], anyio.Event()

    async def child():
        seen.append("first line")
        if len(seen) > 200:
            over.set()
            await anyio.sleep_forever()
        await turns()
        raise ValueError

    def hook(event):
        if isinstance(event, ChildRestarting):
            seen.append("told")

    async with open_supervisor(supervisor("root", **UNLIMITED, children=[worker("c", child)]), hooks=[hook]):
        await over.wait()
        await turns()
    assert seen == ["first line", *["first line", "told"] * (len(seen) // 2)]


@pytest.mark.parametrize("error", [ValueError("no"), asyncio.CancelledError("no")], ids=repr)
async def test_without_a_log_a_hook_that_fails_is_a_line_all_the_same(error, caplog):
    def broken_hook(_):
        raise error

    a = Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[broken_hook]):
        a.crash()
        await turns()
        assert a.starts == 2
    kind = type(error).__name__
    (line,) = [record.getMessage() for record in caplog.records if record.name == "otp"]
    assert line.startswith("root  event hook tests.runtime.test_hooks.test_without_a_log")
    assert line.endswith(f"broken_hook raised and is detached: {kind}: no")


async def test_a_log_that_is_attached_has_the_line_and_nobody_else(caplog):
    def broken_hook(_):
        raise ValueError

    lines = []
    sink = logger.add(lines.append, format="{level} {message}")
    try:
        async with open_supervisor(supervisor("root"), hooks=[broken_hook, log_events()]):
            await turns()
    finally:
        logger.remove(sink)
    assert [line for line in lines if "raised and is detached: ValueError" in line and line.startswith("ERROR root")]
    assert [record for record in caplog.records if record.name == "otp"] == []


async def test_a_method_is_detached_although_it_is_a_new_object_each_time():
    class Audit:
        def __init__(self):
            self.events = []

        def note(self, event):
            self.events.append(event)

        def __eq__(self, other):
            raise AssertionError("nobody compares hooks")

        __hash__ = None

    audit, other, a = Audit(), EventRecorder(), Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[audit.note, other]) as root:
        await other.wait_for(SupervisorStarted)
        root.detach(audit.note)
        seen = len(audit.events)
        a.crash()
        await other.wait_for(ChildStarted, "root/a", count=2)
    assert len(audit.events) == seen > 0
