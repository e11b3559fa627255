"""All services in one process: each has its own heartbeat, and one that gives up does not take the others along."""

import anyio
import pytest

from otp import events
from otp.testing import EventRecorder
from services.marketswarm.config import SERVICES
from services.marketswarm.demo.stage import SWITCH, open_stage
from trees.marketswarm import SERVICE


@pytest.fixture
async def stage(monkeypatch):
    for name in ("TRUTH_REDIS_URL", "TRUTH_REDIS_KEY", "LOG_LEVEL", "EXECUTION_BROKER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    async with open_stage() as opened:
        yield opened


async def test_each_service_has_its_own_state_and_one_that_gives_up_begins_anew_alone(stage, until):
    recorder = EventRecorder()
    async with anyio.create_task_group() as group:
        group.start_soon(stage.supervisor.run, [recorder])
        await until(lambda: stage.supervisor.is_up, 15)
        await until(lambda: all(stage.supervisor.heartbeat(name)["state"] == "up" for name in SERVICES))
        before = {child.path: child.generation for child in stage.supervisor.handle.walk()}
        sentiment = "marketswarm/sentiment"
        for _ in range(6 * 4):  # each four failures of the scorer cost the service one of its five restarts
            if recorder.of(events.ChildDelayed, sentiment):
                break
            await until(lambda: stage.supervisor.handle.child("sentiment/workers/scorer").state == "running")
            SWITCH.throw(ZeroDivisionError("a bug"))
            await anyio.sleep(0.05)
        with anyio.fail_after(10):
            delayed = await recorder.wait_for(events.ChildDelayed, sentiment)
        assert delayed.delay <= SERVICE.otherwise.action.backoff.cap
        await until(lambda: stage.supervisor.heartbeat("sentiment")["state"] == "down")
        assert stage.supervisor.heartbeat("massive")["state"] == "up"
        await until(lambda: stage.supervisor.is_up, 10)
        after = {child.path: child.generation for child in stage.supervisor.handle.walk()}
        changed = {path for path, generation in after.items() if generation != before[path]}
        assert changed
        assert all(path.startswith(sentiment) for path in changed)
        stage.supervisor.stop()
