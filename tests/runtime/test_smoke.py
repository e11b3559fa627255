import anyio
import pytest

from otp.events import ChildRestarting
from otp.runtime.open import open_supervisor
from otp.spec import supervisor
from otp.testing import EventRecorder, Probe, Run


async def test_a_crashed_worker_restarts_alone():
    a, b, events = Probe("a"), Probe("b"), EventRecorder()
    async with open_supervisor(supervisor("root", children=[a.spec(), b.spec()]), hooks=[events]) as root:
        b.crash()
        await events.wait_for(ChildRestarting, "root/b")
        assert (a.starts, b.starts) == (1, 2)
        assert root.child("b").crashes == 1


@pytest.mark.virtual_time
async def test_an_hour_passes():
    p = Probe("a", Run(cleanup=3600))
    async with open_supervisor(supervisor("root", children=[p.spec(shutdown=5000.0)])):
        await anyio.sleep(3600)
    assert anyio.current_time() >= 7200
