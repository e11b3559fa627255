"""A child that does not end when it is stopped: Python cannot kill it, so it is named and never doubled (D7)."""

import anyio
import pytest

from otp import ChildRefused, Strategy, open_supervisor, supervisor, worker
from otp.core.roster import KILL_PATIENCE
from otp.events import ChildRefused as Refused
from otp.events import SupervisorExited
from otp.testing import EventRecorder, Probe, Refuse, Run

pytestmark = pytest.mark.virtual_time


async def test_it_is_reported_after_its_time_with_where_it_hangs_and_the_stop_goes_on():
    events, a = EventRecorder(), Probe("a")
    stubborn = Probe("stubborn", Refuse(60))
    with pytest.raises(ChildRefused) as raised:
        async with open_supervisor(
            supervisor("root", children=[a.spec(), stubborn.spec(shutdown=2.0)]), hooks=[events]
        ):
            began = anyio.current_time()
    assert raised.value.paths == ("root/stubborn",)
    (refused,) = events.of(Refused)
    assert refused.at == pytest.approx(began + 2.0 + KILL_PATIENCE, abs=0.01)
    assert any("Probe._refuse" in step for step in refused.chain)
    assert refused.chain[0].startswith("Probe.run (")
    (ended,) = events.of(SupervisorExited)
    assert ended.at == pytest.approx(refused.at, abs=0.01)  # a was stopped, and nobody waited for the other
    assert anyio.current_time() == pytest.approx(began + 60, abs=0.01)  # but the block waits: a task cannot be left


async def test_a_group_restart_that_needs_its_place_gives_up_instead_of_doubling_it():
    a, stubborn = Probe("a"), Probe("stubborn", Refuse(30))
    spec = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[a.spec(), stubborn.spec(shutdown=1.0)])
    with pytest.raises(ChildRefused, match="refused to stop: root/stubborn"):
        async with open_supervisor(spec):
            a.crash()
            await anyio.sleep_forever()
    assert (a.starts, stubborn.starts) == (1, 1)


async def test_it_takes_the_supervisors_above_down_up_to_the_root():
    crashing, stubborn = Probe("crashing"), Probe("stubborn", Refuse(30))
    inner = supervisor("inner", strategy=Strategy.ONE_FOR_ALL, children=[crashing.spec(), stubborn.spec(shutdown=1.0)])
    with pytest.raises(ChildRefused) as raised:
        async with open_supervisor(supervisor("root", children=[inner])):
            crashing.crash()
            await anyio.sleep_forever()
    assert raised.value.paths == ("root/inner/stubborn",)
    assert stubborn.starts == 1


async def test_a_requested_stop_of_it_fails_and_harms_nobody_else():
    a, stubborn = Probe("a"), Probe("stubborn", Refuse(10))
    async with open_supervisor(supervisor("root", children=[a.spec(), stubborn.spec(shutdown=1.0)])) as root:
        with pytest.raises(ChildRefused):
            await root.terminate_child("stubborn")
        assert root.child("stubborn").state == "refused"
        with pytest.raises(ChildRefused):
            await root.terminate_child("stubborn")
        assert a.starts == 1
        await anyio.sleep(20)
        assert root.child("stubborn").state == "stopped"


async def test_a_requested_restart_of_it_fails_and_is_made_up_for_when_it_ends_after_all():
    stubborn = Probe("stubborn", Refuse(10), Run())
    async with open_supervisor(supervisor("root", children=[stubborn.spec(shutdown=1.0)])) as root:
        with pytest.raises(ChildRefused):
            await root.restart("stubborn")
        assert (stubborn.starts, stubborn.alive) == (1, 1)
        await anyio.sleep(20)
        assert (stubborn.starts, stubborn.alive) == (2, 1)
        assert root.child("stubborn").manual == 1


async def test_a_start_that_hangs_and_refuses_to_stop_is_not_tried_beside_itself():
    events = EventRecorder()

    async def hang(*, task_status):
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(30)

    spec = supervisor("root", children=[worker("h", hang, ready=True, start_timeout=1.0, shutdown=1.0)])
    with pytest.raises(ChildRefused):
        async with open_supervisor(spec, hooks=[events]):
            raise AssertionError("the block must not begin")
    assert len(events.of(Refused, "root/h")) == 1


async def test_brutal_kill_does_not_wait_for_the_grace_of_others():
    events = EventRecorder()
    quick = Probe("quick", Run(cleanup=0.2))
    async with open_supervisor(supervisor("root", children=[quick.spec(shutdown="brutal_kill")]), hooks=[events]):
        began = anyio.current_time()
    assert anyio.current_time() == pytest.approx(began + 0.2, abs=0.01)
    assert not events.of(Refused)
