"""Silent unless acting: an hour of healthy running is told to nobody."""

import anyio
import pytest
from loguru import logger

from otp import log_events, open_supervisor, supervisor
from otp.events import ChildStarted, SupervisorStarted
from otp.observe.alerts import Alerts
from otp.observe.observation import open_observation
from otp.testing import EventRecorder, Probe


class Silent:
    """A Redis client that takes everything, and remembers that it was asked."""

    def __init__(self):
        self.commands = []

    async def execute_command(self, *words):
        self.commands.append(words)
        return 1


@pytest.fixture
def lines():
    lines = []
    sink = logger.add(lines.append, level="INFO")
    yield lines
    logger.remove(sink)


@pytest.mark.virtual_time
async def test_an_hour_of_healthy_running_writes_nothing_anywhere(lines):
    redis, notified, events = Silent(), [], EventRecorder()
    children = [Probe("a").spec(), supervisor("sub", children=[Probe("b").spec()])]
    async with open_observation("shop", redis=redis) as seen:
        alerts = Alerts("shop", [notified.append], warn_after=1)
        seen.incidents.listen(alerts)
        async with open_supervisor(supervisor("root", children=children), hooks=(log_events(), *seen.hooks, events)):
            await events.wait_for(SupervisorStarted, "root")
            up = len(events.events)
            await anyio.sleep(3_600.0)
            assert len(events.events) == up
            assert seen.history.group("root", anyio.current_time()).availability == 1.0
    assert (lines, redis.commands, notified, seen.incidents.all()) == ([], [], [], ())
    assert [outbox.sent for outbox in seen.outboxes] == [0]


@pytest.mark.virtual_time
async def test_a_failure_and_its_end_are_written_and_then_it_is_silent_again(lines):
    redis, events = Silent(), EventRecorder()
    a = Probe("a")
    async with open_observation("shop", redis=redis) as seen:
        tree = supervisor("root", children=[a.spec()])
        async with open_supervisor(tree, hooks=(log_events(), *seen.hooks, events)):
            a.crash()
            await events.wait_for(ChildStarted, "root/a", count=2)
            await anyio.sleep(100.0)
            written = len(redis.commands)
            assert seen.incidents.all()[0].state == "resolved"
            await anyio.sleep(3_600.0)
            assert len(redis.commands) == written
    assert len(lines) == 1
