"""The background tasks of a tree: one that ends before the tree breaks it down, loudly; a tree is never deaf."""

import asyncio

import anyio
import pytest

from otp import open_supervisor, supervisor, worker
from otp.errors import SupervisionLost
from otp.events import SupervisorExited
from otp.exits import Crashed
from otp.runtime.dependencies import Dependencies
from otp.runtime.reporter import Reporter
from otp.runtime.timers import Timers
from otp.runtime.watchdogs import Watchdogs
from otp.testing import EventRecorder, Probe

SERVICES = {"timers": Timers, "watchdogs": Watchdogs, "reporter": Reporter, "dependencies": Dependencies}


class Odd(BaseException):
    """An exception outside of every family that a rule names."""


@pytest.mark.parametrize("how", [None, ValueError("bug"), asyncio.CancelledError(), GeneratorExit(), Odd()], ids=repr)
@pytest.mark.parametrize("task", SERVICES)
async def test_one_that_ends_too_early_ends_the_tree_with_a_reason_that_is_told(task, how, monkeypatch):
    go = anyio.Event()

    async def ends(_):
        await go.wait()
        if how is not None:
            raise how

    monkeypatch.setattr(SERVICES[task], "run", ends)
    a, events = Probe("a"), EventRecorder()
    with anyio.fail_after(5), pytest.raises(SupervisionLost, match=f"background task {task} of root") as raised:
        async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[events]):
            go.set()
            await anyio.sleep_forever()
    assert raised.value.__cause__ is how
    assert a.alive == 0
    (told,) = events.of(SupervisorExited, "root")
    assert isinstance(told.exit, Crashed)
    assert f"background task {task} of root" in str(told.exit)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "uvloop"], indirect=True)
async def test_a_library_that_cancels_all_tasks_ends_the_tree_and_its_caller_learns_why(anyio_backend):
    a, events = Probe("a"), EventRecorder()
    others = asyncio.all_tasks()
    with anyio.fail_after(5), pytest.raises(SupervisionLost, match="that is not ours"):
        async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[events]):
            for task in asyncio.all_tasks() - others:
                task.cancel()
            await anyio.sleep_forever()
    assert a.alive == 0
    assert len(events.of(SupervisorExited, "root")) == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio", "uvloop"], indirect=True)
@pytest.mark.parametrize("which", range(7))
async def test_whichever_task_of_the_tree_is_cancelled_it_goes_on_supervising_or_says_why_not(anyio_backend, which):
    """Not one of them may end in silence: a crash afterwards is restarted, or the block is over with a reason."""
    a, b, events = Probe("a"), Probe("b"), EventRecorder()
    before = asyncio.all_tasks()
    try:
        with anyio.fail_after(5):
            async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()]), hooks=[events]) as root:
                await anyio.sleep(0.01)
                ours = sorted(asyncio.all_tasks() - before, key=lambda task: task.get_name() + repr(task.get_coro()))
                assert len(ours) == 7, "host, timers, watchdogs, reporter, dependencies, and two children"
                ours[which].cancel()
                await anyio.sleep(0.01)
                crashes = root.child("a").crashes
                a.crash()
                await events.wait_for(type(events.events[0]), "root/a", count=2 + crashes)
                assert root.child("a").crashes == crashes + 1
    except SupervisionLost as lost:
        assert lost.__cause__ is not None
    assert (a.alive, b.alive) == (0, 0)


async def test_what_runs_when_the_reporter_is_gone_is_told_before_the_block_is_over(monkeypatch):
    async def ends(_):
        return

    monkeypatch.setattr(Reporter, "run", ends)
    events = EventRecorder()
    with pytest.raises(SupervisionLost, match="background task reporter of root came to an end"):
        async with open_supervisor(supervisor("root", children=[worker("a", anyio.sleep_forever)]), hooks=[events]):
            await anyio.sleep_forever()
    assert len(events.of(SupervisorExited, "root")) == 1
