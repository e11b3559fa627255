"""The service as it was, and its orchestrator as one permanent worker: what was swallowed is seen."""

import asyncio
import importlib
import itertools
import json
import sys
from pathlib import Path

import anyio
import pytest

from otp import IntensityReached, open_supervisor, supervisor, worker
from otp.events import ChildDelayed, ChildRestarting
from otp.exits import Normal
from otp.policy import Backoff, FailurePolicy, RestartAfter, on
from otp.testing import EventRecorder

PATH = "quotes/orchestrator"


@pytest.fixture
def orchestrator(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield importlib.import_module("legacy.orchestrator")
    for name in [name for name in sys.modules if name.partition(".")[0] == "legacy"]:
        del sys.modules[name]


class Recorder:
    """A log that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def _keep(self, message, *args):
        self.lines.append(message % args)

    info = error = _keep


@pytest.fixture
def log():
    return Recorder()


@pytest.fixture
def config(tmp_path, feed):
    (tmp_path / "symbols.txt").write_text("A B")
    return {
        "QUOTES_FEED": f"127.0.0.1:{feed.port}",
        "QUOTES_SYMBOLS": str(tmp_path / "symbols.txt"),
        "QUOTES_REPORT": str(tmp_path / "report.json"),
        "QUOTES_INTERVAL": "0.02",
    }


SWALLOWED = FailurePolicy(on(Normal, RestartAfter(Backoff(0.01, factor=2.0, jitter=0.0)), name="swallowed_failure"))


def quotes(run, *args, **options):
    return supervisor("quotes", intensity=4, children=[worker("orchestrator", run, *args, **options)])


async def test_without_a_supervisor_a_failure_is_logged_and_swallowed_and_the_orchestrator_returns(
    orchestrator, config, log, feed, until
):
    async with anyio.create_task_group() as group:

        async def as_it_was():
            assert await orchestrator.run(config, log) is None

        group.start_soon(as_it_was)
        await until(lambda: feed.connected == 1)
        feed.close_all()
    assert log.lines == ["worker failed: the feed has closed the connection", "orchestrator stopped"]
    assert json.loads(Path(config["QUOTES_REPORT"]).read_text())["prices"] == {"A": 1, "B": 1}


async def test_as_a_permanent_worker_its_early_return_is_a_failure_that_is_counted_and_told(
    orchestrator, config, log, feed, until
):
    events = EventRecorder()
    async with open_supervisor(quotes(orchestrator.run, config, log), hooks=[events]) as root:
        await until(lambda: feed.sessions == 1)
        feed.close_all()
        await until(lambda: feed.sessions == 2)
        child = root.child("orchestrator")
        assert (child.crashes, child.manual, child.generation) == (1, 0, 2)
        (restart,) = events.of(ChildRestarting, PATH)
        assert (restart.exit, restart.used) == (Normal(), 1)


async def test_a_policy_names_the_swallowed_failure_and_its_delay_grows(orchestrator, config, log, feed, until):
    events = EventRecorder()
    tree = quotes(orchestrator.run, config, log, policy=SWALLOWED)
    async with open_supervisor(tree, hooks=[events]):
        for session in range(1, 4):
            await until(lambda session=session: feed.sessions == session)
            feed.close_all()
        await events.wait_for(ChildDelayed, PATH, count=3)
    delayed = events.of(ChildDelayed, PATH)
    assert [event.delay for event in delayed] == [0.01, 0.02, 0.04]
    assert [(event.verdict, event.streak) for event in delayed] == [("swallowed_failure", n) for n in (1, 2, 3)]


async def test_a_swallowed_failure_that_goes_on_reaches_the_limit(orchestrator, config, log, feed):
    feed.turn_away()
    with pytest.raises(IntensityReached) as reached:
        async with open_supervisor(quotes(orchestrator.run, config, log, policy=SWALLOWED)):
            await anyio.sleep_forever()
    assert reached.value.path == "quotes"
    assert sum(line.startswith("worker failed") for line in log.lines) == 5


async def test_a_restart_leaves_no_task_of_the_former_orchestrator_behind(orchestrator, config, log, feed, until):
    async with open_supervisor(quotes(orchestrator.run, config, log)) as root:
        await until(lambda: feed.connected == 1)
        tasks = len(asyncio.all_tasks())
        for session in range(2, 5):
            await root.restart("orchestrator")
            await until(lambda session=session: feed.sessions == session)
        await until(lambda: feed.connected == 1)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert root.child("orchestrator").manual == 3


async def test_and_one_without_a_finally_leaves_its_workers_running_beside_the_new_ones(feed, until):
    left = []

    async def leaking():
        async def work():
            async with await anyio.connect_tcp("127.0.0.1", feed.port) as stream:
                await stream.send(b"A\n")
                await asyncio.sleep(3600)

        left.append(asyncio.create_task(work()))
        await asyncio.wait(left[-1:])

    async with open_supervisor(supervisor("quotes", children=[worker("orchestrator", leaking)])) as root:
        await until(lambda: feed.connected == 1)
        await root.restart("orchestrator")
        await until(lambda: feed.connected == 2)
    assert [task.done() for task in left] == [False, False]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    assert all(one is not other for one, other in itertools.pairwise(left))
