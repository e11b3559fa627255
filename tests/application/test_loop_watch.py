"""A child that blocks the event loop is named while it still does, on every backend, whatever of it blocks."""

import asyncio
import threading
from contextlib import asynccontextmanager

import anyio
import pytest
from loguru import logger

from otp import FailurePolicy, Restart, Watchdog, dependency, log_events, open_supervisor, supervisor, worker
from otp.application import loop_watch
from otp.application.host import open_host
from otp.application.loop_watch import LoopWatch, watching
from otp.application.options import Options
from otp.application.readiness import ReadinessFromThread
from otp.core.machine import SupervisorMachine
from otp.events import ChildStarted, LoopBlocked, LoopFreed
from otp.policy import GiveUp, on
from otp.runtime.open import open_tree
from otp.testing import EventRecorder

PATIENCE = 20.0
"""Seconds after which a block ends although nobody noticed it: then the test fails."""


class Block:
    """Something that does not return before it has been told of `count` times."""

    def __init__(self, count=1):
        self.told = []
        self.noticed = None
        self._count = count
        self._enough = threading.Event()

    def hold(self):
        self.noticed = self._enough.wait(PATIENCE)

    def listen(self, event):
        if isinstance(event, LoopBlocked):
            self.told.append(event)
            if len(self.told) == self._count:
                self._enough.set()


@pytest.fixture
def lines():
    lines = []
    sink = logger.add(lines.append, format="{level} {message}", level="INFO")
    yield lines
    logger.remove(sink)


@asynccontextmanager
async def watched(spec, *listeners, hooks=(), threshold=0.1):
    async with open_tree(spec, hooks) as tree:
        with watching(LoopWatch(tree, threshold=threshold, listeners=listeners)) as watch:
            tree.root.begin()
            yield tree, watch


async def blocking_line(block, done):
    block.hold()
    done.set()
    await anyio.sleep_forever()


async def in_a_task_group(block, done):
    async with anyio.create_task_group() as group:
        group.start_soon(in_another, block, done)
        await anyio.sleep_forever()


async def in_another(block, done):
    async with anyio.create_task_group() as group:
        group.start_soon(blocking_line, block, done)


async def in_asyncio_group(block, done):
    async with asyncio.TaskGroup() as group:
        group.create_task(blocking_line(block, done))


@pytest.mark.parametrize("work", [blocking_line, in_a_task_group])
async def test_it_is_named_with_its_stack_while_it_still_blocks(work):
    block, done = Block(), anyio.Event()
    spec = supervisor(
        "root",
        children=[
            worker("idle", anyio.sleep_forever),
            supervisor("sub", children=[worker("b", work, block, done)]),
        ],
    )
    async with watched(spec, block.listen) as (_, watch):
        await done.wait()
    assert block.noticed
    (told,) = block.told
    assert told.path == "root/sub/b"
    assert told.seconds >= 0.1
    assert [frame.rpartition(" ")[2] for frame in told.stack][-4:-2] == ["blocking_line", "Block.hold"]
    assert watch.blocked is None


@pytest.mark.parametrize("anyio_backend", ["asyncio", "uvloop"], indirect=True)
async def test_a_task_group_of_asyncio_is_followed_to_its_child_as_well(anyio_backend):
    block, done = Block(), anyio.Event()
    spec = supervisor("root", children=[worker("b", in_asyncio_group, block, done)])
    async with watched(spec, block.listen):
        await done.wait()
    assert [event.path for event in block.told] == ["root/b"]


async def test_what_is_nobodys_in_the_tree_is_told_of_the_root_with_the_stack():
    block = Block()
    spec = supervisor("root", children=[worker("idle", anyio.sleep_forever)])
    async with watched(spec, block.listen):
        block.hold()
    assert block.noticed
    (told,) = block.told
    assert told.path == "root"
    assert any(frame.endswith("Block.hold") for frame in told.stack)


async def test_a_loop_that_turns_slowly_is_no_single_childs_doing(monkeypatch):
    """A thousand children keep it busy by turns: it is blocked, but by none of them alone."""
    monkeypatch.setattr(loop_watch, "SECOND_LOOK", 0.2)
    told, enough = [], threading.Event()

    async def hog():
        while not enough.is_set():
            threading.Event().wait(0.001)
            await anyio.sleep(0)

    spec = supervisor("root", children=[worker(str(n), hog) for n in range(1000)])
    async with watched(spec, told.append, threshold=0.05):
        with anyio.move_on_after(PATIENCE):
            while not told:
                await anyio.sleep(0)
        enough.set()
    assert {event.path for event in told} == {"root"}


async def test_the_hooks_hear_of_it_in_order_when_the_loop_turns_again():
    block, done, events = Block(), anyio.Event(), EventRecorder()
    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    async with watched(spec, block.listen, hooks=[events]):
        freed = await events.wait_for(LoopFreed, "root/b")
    assert events.of(LoopBlocked, "root/b") == block.told
    heard = [event for event in events.events if isinstance(event, LoopBlocked | LoopFreed)]
    assert [type(event) for event in heard] == [LoopBlocked, LoopFreed]
    assert heard[1].seconds >= heard[0].seconds
    assert heard[1].at >= heard[0].at
    assert freed is not None


async def test_it_is_told_again_for_as_long_as_it_lasts(monkeypatch):
    monkeypatch.setattr(loop_watch, "AGAIN", 0.05)
    block, done = Block(count=3), anyio.Event()
    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    async with watched(spec, block.listen):
        await done.wait()
    assert len(block.told) == 3
    assert block.told[0].seconds < block.told[1].seconds < block.told[2].seconds


async def test_what_blocks_can_be_read_from_another_thread_while_it_does():
    block, done, seen = Block(), anyio.Event(), []

    def look(event):
        if isinstance(event, LoopBlocked):
            seen.append((watch.blocked, watch.lag))

    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    async with watched(spec, look, block.listen) as (_, watch):
        await done.wait()
    ((blocked, lag),) = seen
    assert blocked.path == "root/b"
    assert lag.last >= 0.1
    assert lag.worst >= lag.last


async def test_the_lag_of_the_last_minute_remembers_a_block_that_is_over():
    block, done, freed = Block(), anyio.Event(), threading.Event()

    def listen(event):
        if isinstance(event, LoopFreed):
            freed.set()

    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    async with watched(spec, block.listen, listen) as (_, watch):
        await done.wait()
        await anyio.to_thread.run_sync(freed.wait, PATIENCE)
        while watch.lag.last >= 0.1:  # until the next ping
            await anyio.sleep(0.01)
        assert watch.lag.worst >= 0.1


async def test_a_listener_that_raises_is_detached_and_the_others_are_told(lines):
    block, done = Block(count=1), anyio.Event()

    def broken(_):
        raise ValueError("no")

    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    async with watched(spec, broken, block.listen):
        await done.wait()
    assert block.noticed
    assert sum("a listener of the loop watch raised and is detached" in line for line in lines) == 1


async def test_the_log_has_it_before_the_block_is_over_and_only_once(lines):
    """The block ends when the line has been written: a log that waits for the loop would keep it for ever."""
    block, done, events = Block(), anyio.Event(), EventRecorder()
    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])

    def wrote(message):
        if "blocks the event loop, for" in message:
            block._enough.set()

    sink = logger.add(wrote, format="{message}", level="INFO")
    try:
        async with open_host(spec, [log_events(), events], Options(loop_watch=0.1)) as host:
            host.tree.root.begin()
            await events.wait_for(LoopFreed, "root/b")
    finally:
        logger.remove(sink)
    assert block.noticed
    said = [line for line in lines if "blocks the event loop" in line]
    assert len(said) == 2
    assert said[0].startswith("ERROR root/b  blocks the event loop, for ")
    assert "blocking_line (application/test_loop_watch.py:" in said[0]
    assert said[1].startswith("INFO root/b  blocks the event loop no more; it did for ")


async def test_nobody_is_blamed_when_the_loop_turns_while_it_is_looked_at():
    block, done, told = Block(), anyio.Event(), []

    class Slow(LoopWatch):
        def _find_culprit(self, ping):
            seen = super()._find_culprit(ping)
            block._enough.set()
            ping.answered.wait(PATIENCE)
            return seen

    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    async with open_tree(spec, []) as tree:
        with watching(Slow(tree, threshold=0.1, listeners=[told.append])):
            tree.root.begin()
            await done.wait()
            await anyio.wait_all_tasks_blocked()
    assert block.noticed
    assert told == []


async def bare_task(block, done):
    task = asyncio.create_task(blocking_line(block, done))
    try:
        await task
    finally:
        task.cancel()


@pytest.mark.parametrize("anyio_backend", ["asyncio", "uvloop"], indirect=True)
async def test_a_bare_task_of_asyncio_is_told_of_the_root_with_its_stack(anyio_backend):
    """asyncio does not keep who has made a task."""
    block, done = Block(), anyio.Event()
    spec = supervisor("root", children=[worker("b", bare_task, block, done)])
    async with watched(spec, block.listen):
        await done.wait()
    (told,) = block.told
    assert told.path == "root"
    assert any(frame.endswith(" blocking_line") for frame in told.stack)


async def test_a_block_below_the_threshold_is_told_to_nobody():
    """Two watch the same loop; the block ends as soon as the one with less patience has told of it."""
    block, done, told = Block(), anyio.Event(), []
    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    async with watched(spec, block.listen) as (tree, _):
        with watching(LoopWatch(tree, threshold=PATIENCE, listeners=[told.append])):
            await done.wait()
    assert block.noticed
    assert told == []


async def test_without_a_threshold_there_is_no_thread():
    def threads():
        return [one.name for one in threading.enumerate() if one.name == "otp-loop-watch"]

    spec = supervisor("root", children=[worker("a", anyio.sleep_forever)])
    async with open_host(spec, [], Options(loop_watch=None)) as host:
        assert threads() == []
        assert host.loop_watch is None
    async with open_host(spec, [], Options()) as host:
        assert threads() == ["otp-loop-watch"]
    assert threads() == []


async def test_a_tree_inside_another_program_is_not_watched():
    async with open_supervisor(supervisor("root", children=[worker("a", anyio.sleep_forever)])):
        assert not [one for one in threading.enumerate() if one.name.startswith("otp-loop")]


# ------------------------------------------------------------------------------------------------ whose call it is


class Closed(Exception):
    """Its `code` does not return."""

    def __init__(self, block):
        self.block = block

    @property
    def code(self):
        self.block.hold()
        return 1012


def crash_with(error):
    async def crash():
        raise error

    return crash


class BlockingHook:
    """Blocks at a restart, which is the last step of the child that crashed."""

    def __init__(self, block):
        self.block = block

    def __call__(self, event):
        if isinstance(event, ChildStarted):
            self.block.hold()


def of_hook(block):
    return supervisor("root", children=[worker("b", anyio.sleep_forever)]), [BlockingHook(block)]


def of_where(block):
    policy = FailurePolicy(on(ValueError, GiveUp(), where=lambda _: block.hold()))
    return below("b", crash_with(ValueError()), policy=policy), []


def of_attribute(block):
    policy = FailurePolicy(on(Closed, GiveUp(), code=1012))
    return below("b", crash_with(Closed(block)), policy=policy), []


def of_progress(block):
    def progress():
        block.hold()

    return below("b", anyio.sleep_forever, watchdog=Watchdog(within=3600.0, progress=progress)), []


def of_probe(block):
    async def probe():
        block.hold()

    needs = dependency("redis", probe, timeout=PATIENCE)
    crashing = worker("b", crash_with(ValueError()), needs=["redis"], restart=Restart.TRANSIENT)
    return supervisor("root", children=[crashing], dependencies=[needs], intensity=10**6), []


def below(id, run, **options):
    """A child of a supervisor below the root."""
    sub = supervisor("sub", children=[worker(id, run, restart=Restart.TRANSIENT, **options)], intensity=10**6)
    return supervisor("root", children=[worker("innocent", anyio.sleep_forever), sub])


@pytest.mark.parametrize(
    ("place", "path", "callback"),
    [
        (of_hook, "root", "hook tests.application.test_loop_watch.BlockingHook"),
        (of_where, "root/sub", "where= value_error: tests.application.test_loop_watch.of_where.<lambda>"),
        (of_attribute, "root/sub", "attribute closed: code"),
        (of_progress, "root/sub", "progress= tests.application.test_loop_watch.of_progress.progress"),
        (of_probe, "root", "probe redis"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
async def test_a_function_of_the_program_is_named_and_neither_the_root_nor_a_child(place, path, callback):
    block, events = Block(), EventRecorder()
    spec, hooks = place(block)
    async with watched(spec, block.listen, hooks=[*hooks, events]) as (_, watch):
        freed = await events.wait_for(LoopFreed)
        assert watch.blocked is None
    assert block.noticed
    told = block.told[0]
    assert (told.path, told.callback) == (path, callback)
    assert (freed.path, freed.callback) == (path, callback)
    assert any(frame.endswith("Block.hold") for frame in told.stack)
    assert not any("reporter.py" in frame or "foreign/guard.py" in frame for frame in told.stack), (
        "nothing above the call"
    )


@pytest.mark.parametrize("how", ["last step", "ready"])
async def test_a_supervisors_own_code_is_charged_to_it_and_not_to_the_child_whose_task_runs_it(how, monkeypatch):
    block, innocent, armed = Block(), anyio.Event(), []
    handle = SupervisorMachine.handle

    def slow(machine, event, now):
        if armed and machine.path == "root/sub":
            armed.clear()
            block.hold()
        return handle(machine, event, now)

    async def child(*, task_status):
        if how == "ready":
            armed.append(1)
        task_status.started()
        await innocent.wait()
        armed.append(1)

    monkeypatch.setattr(SupervisorMachine, "handle", slow)
    sub = supervisor("sub", children=[worker("innocent", child, ready=True, restart=Restart.TEMPORARY)])
    async with watched(supervisor("root", children=[sub]), block.listen):
        innocent.set()
        with anyio.move_on_after(PATIENCE):
            while not block.told:
                await anyio.sleep(0.01)
    assert block.noticed
    assert [(event.path, event.callback) for event in block.told] == [("root/sub", "")]


async def test_the_log_and_the_health_port_name_the_function(lines):
    block, events, troubles = Block(), EventRecorder(), []
    spec, hooks = of_hook(block)
    async with open_host(spec, [log_events(), *hooks, events], Options(loop_watch=0.1)) as host:
        look = ReadinessFromThread(host.tree, host.loop_watch)
        host.loop_watch.listen(
            lambda event: troubles.append(look().trouble) if isinstance(event, LoopBlocked) else None
        )
        host.loop_watch.listen(block.listen)
        host.tree.root.begin()
        await events.wait_for(LoopFreed)
    name = "hook tests.application.test_loop_watch.BlockingHook"
    assert troubles == [f"{name} of root blocks the event loop"]
    said = [line for line in lines if "blocks the event loop" in line]
    assert said[0].startswith(f"ERROR root  {name} blocks the event loop, for ")
    assert said[1].startswith(f"INFO root  {name} blocks the event loop no more; it did for ")


async def test_a_log_that_raises_once_is_told_of_the_next_block_by_the_thread_all_the_same():
    block, done, seen = Block(), anyio.Event(), []

    def sink(message):
        seen.append(message)
        raise asyncio.CancelledError

    spec = supervisor("root", children=[worker("b", blocking_line, block, done)])
    broken = logger.add(sink, level="INFO", catch=False)
    try:
        async with watched(spec, log_events().write, block.listen) as (_, watch):
            await done.wait()
            assert len(watch._listeners) == 2
    finally:
        logger.remove(broken)
    assert block.noticed
    assert seen
