"""The adapter: a worker with a stop event as a plain coroutine."""

import asyncio
import logging
import math
import subprocess
import sys
import traceback

import anyio
import pytest

from otp import Restart, open_supervisor, supervisor, worker
from otp.events import ChildExited, ChildRefused, ChildRestarting
from otp.exits import Crashed, Normal
from otp.testing import EventRecorder
from services.shared import legacy_worker

LOG = logging.getLogger("legacy")


class Worker:
    """Says in its config what becomes of it."""

    def __init__(self, config, logger):
        self.config = config
        config.append("made")

    async def run(self, stop_event):
        self.config.append("runs")
        await stop_event.wait()
        self.config.append("told")
        await asyncio.sleep(0.01)
        self.config.append("cleaned up")


class Deaf(Worker):
    """Waits for data and does not see its event."""

    async def run(self, stop_event):
        self.config.append("runs")
        try:
            await asyncio.Event().wait()
        finally:
            self.config.append("cancelled, told" if stop_event.is_set() else "cancelled")


class Refusing(Worker):
    async def run(self, stop_event):
        self.config.append("runs")
        with anyio.CancelScope(shield=True):
            await self.hang()

    async def hang(self):
        await asyncio.wait_for(self.config.release.wait(), 10)


class Raising(Worker):
    def __init__(self, config, logger):
        super().__init__(config, logger)
        self.error = config[0]

    async def run(self, stop_event):
        await asyncio.sleep(0)
        raise self.error


class Returning(Worker):
    async def run(self, stop_event):
        await asyncio.sleep(0)


async def run_for_a_moment(make, seen, until, **options):
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: legacy_worker.run(make, seen, LOG, **options))
        await until(lambda: "runs" in seen)
        group.cancel_scope.cancel()
    return seen


async def test_a_cancellation_is_the_stop_event_first_and_the_worker_ends_in_its_own_time(until):
    assert await run_for_a_moment(Worker, [], until) == ["made", "runs", "told", "cleaned up"]


async def test_a_worker_that_does_not_see_its_event_is_cancelled_after_the_grace(until):
    with anyio.fail_after(legacy_worker.GRACE / 2):
        assert await run_for_a_moment(Deaf, [], until, grace=0.01) == ["made", "runs", "cancelled, told"]


async def test_the_grace_is_below_the_time_that_a_child_has_to_stop():
    assert 0 < legacy_worker.GRACE < worker("a", anyio.sleep_forever).shutdown


async def test_the_cancellation_goes_on_to_the_caller(until):
    seen, after = [], []
    async with anyio.create_task_group() as group:

        async def caller():
            await legacy_worker.run(Worker, seen, LOG)
            after.append("went on as if nothing had been")

        group.start_soon(caller)
        await until(lambda: "runs" in seen)
        group.cancel_scope.cancel()
    assert (seen[-1], after) == ("cleaned up", [])


async def test_a_worker_that_returns_returns():
    await legacy_worker.run(Returning, [], LOG)


@pytest.mark.parametrize("error", [ConnectionError("away"), SystemExit(3), asyncio.CancelledError()])
async def test_what_a_worker_raises_comes_out_as_it_is_with_its_place(error):
    with pytest.raises(type(error)) as raised:
        await legacy_worker.run(Raising, [error], LOG)
    assert raised.value is error
    assert traceback.extract_tb(error.__traceback__)[-1].name == "run"
    assert traceback.extract_tb(error.__traceback__)[-1].filename == __file__


async def test_a_worker_that_cannot_be_made_is_a_failure_too():
    def make(_config, _logger):
        raise KeyError("QUOTES_FEED")

    with pytest.raises(KeyError, match="QUOTES_FEED"):
        await legacy_worker.run(make, [], LOG)


async def test_it_brings_nothing_of_otp_along():
    program = "import sys, services.shared.legacy_worker; print([name for name in sys.modules if name == 'otp'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "[]\n"


# ------------------------------------------------------------------------------------------------ under supervision


async def test_each_incarnation_has_a_worker_of_its_own_and_a_restart_waits_for_the_former_one(until):
    seen = []
    child = worker("a", legacy_worker.run, Worker, seen, LOG, cancel="scope", shutdown=math.inf)
    async with open_supervisor(supervisor("root", children=[child])) as root:
        await until(lambda: "runs" in seen)
        await root.restart("a")
        await until(lambda: seen.count("runs") == 2)
    assert seen == ["made", "runs", "told", "cleaned up"] * 2


async def test_a_failure_is_the_child_s_and_names_the_line_of_the_worker(until):
    events = EventRecorder()
    tree = supervisor(
        "root", children=[worker("a", legacy_worker.run, Raising, [OSError("away")], LOG, restart=Restart.TEMPORARY)]
    )
    async with open_supervisor(tree, hooks=[events]):
        exited = await events.wait_for(ChildExited)
    assert isinstance(exited.exit, Crashed)
    assert exited.exit.crash.type == "OSError"
    assert exited.exit.crash.frames[-1].endswith(" Raising.run")


async def test_a_worker_that_is_cancelled_by_somebody_else_has_failed_and_one_that_returns_has_ended():
    events = EventRecorder()
    tree = supervisor(
        "root",
        intensity=10,
        children=[
            worker("cancelled", legacy_worker.run, Raising, [asyncio.CancelledError()], LOG, restart=Restart.TEMPORARY),
            worker("returning", legacy_worker.run, Returning, [], LOG, restart=Restart.TRANSIENT),
        ],
    )
    async with open_supervisor(tree, hooks=[events]):
        with anyio.fail_after(5):
            await events.wait_for(ChildExited, count=2)
    ends = {event.path: event.exit for event in events.of(ChildExited)}
    assert isinstance(ends["root/cancelled"], Crashed)
    assert ends["root/returning"] == Normal()
    assert not events.of(ChildRestarting)


async def test_of_a_worker_that_refuses_to_end_the_place_is_told_where_it_hangs(until):
    class Seen(list):
        release = asyncio.Event()

    seen, events = Seen(), EventRecorder()
    child = worker("a", legacy_worker.run, Refusing, seen, LOG, 0.01, shutdown=0.05)
    async with anyio.create_task_group() as group:

        async def program():
            async with open_supervisor(supervisor("root", children=[child]), hooks=[events]) as root:
                await until(lambda: "runs" in seen)
                root.stop()
                await anyio.sleep_forever()

        group.start_soon(program)
        refused = await events.wait_for(ChildRefused)
        assert any("Refusing.hang" in place or "hang (" in place for place in refused.chain)
        seen.release.set()
        group.cancel_scope.cancel()
