"""supervisor_SUITE, the hanging restart loops: a supervisor that restarts in vain still answers (S35-S37, D4)."""

import anyio
import pytest

from otp import AlreadyPresent, Restarting, Strategy, dynamic_supervisor, open_supervisor, supervisor
from otp.events import SupervisorExited
from otp.exits import Shutdown
from otp.testing import EventRecorder, FailStart, Probe, Run
from tests.conformance.otp_suite.stage import end, open_dynamic, states, turns

FAILS = FailStart(KeyError("k"))
UNLIMITED = {"intensity": 10**9}


async def refused_while_it_restarts(root, loop):
    with pytest.raises(AlreadyPresent):
        await root.start_child(loop.spec())
    for refused in (root.restart_child, root.delete_child):
        with pytest.raises(Restarting):
            await refused(loop.name)


async def in_the_loop(loop):
    end(loop)
    await turns()
    tries = loop.starts
    await turns()
    assert loop.starts > tries > 2


async def stays_down(loop):
    tries = loop.starts
    await turns()
    assert (loop.starts, loop.alive) == (tries, 0)


async def test_hanging_restart_loop():
    loop, sibling = Probe("loop", Run(), FAILS), Probe("sibling")
    async with open_supervisor(supervisor("root", **UNLIMITED, children=[loop.spec(), sibling.spec()])) as root:
        await in_the_loop(loop)
        await refused_while_it_restarts(root, loop)
        await root.terminate_child("loop")
        await stays_down(loop)
        assert states(root) == {"loop": "stopped", "sibling": "running"}
        assert sibling.starts == 1
        await root.delete_child("loop")


async def test_hanging_restart_loop_rest_for_one():
    before, loop, behind = Probe("before"), Probe("loop", Run(), FAILS), Probe("behind")
    children = [before.spec(), loop.spec(), behind.spec()]
    async with open_supervisor(
        supervisor("root", **UNLIMITED, strategy=Strategy.REST_FOR_ONE, children=children)
    ) as root:
        await in_the_loop(loop)
        await refused_while_it_restarts(root, loop)
        assert (before.alive, behind.alive) == (1, 0)
        with pytest.raises(AlreadyPresent):
            await root.start_child(behind.spec())
        await root.terminate_child("loop")
        await stays_down(loop)
        assert before.starts == 1
        # The try that was stopped was part of the group's restart, which goes on without it (D4).
        assert states(root) == {"before": "running", "loop": "stopped", "behind": "running"}


async def test_hanging_restart_loop_simple():
    loop, sibling = Probe("loop", Run(), FAILS), Probe("sibling")
    async with open_dynamic(loop.spec(), sibling.spec(), **UNLIMITED) as root:
        await in_the_loop(loop)
        with pytest.raises(AlreadyPresent):
            await root.start_child(loop.spec())
        await root.terminate_child("loop")
        await stays_down(loop)
        assert states(root) == {"sibling": "running"}
        assert sibling.starts == 1


@pytest.mark.parametrize("spec", [supervisor, dynamic_supervisor])
async def test_hanging_restart_loop_stop(spec):
    loop, events = Probe("loop", Run(), FAILS), EventRecorder()
    with anyio.fail_after(5):
        async with open_supervisor(spec("root", **UNLIMITED), hooks=[events]) as root:
            await root.start_child(loop.spec())
            await in_the_loop(loop)
    assert [event.exit for event in events.of(SupervisorExited)] == [Shutdown()]
    await stays_down(loop)
