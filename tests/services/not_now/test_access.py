"""A password or an access rule that refuses us: a wrong configuration where it never worked, else tried again."""

import anyio
import pytest

from otp import open_supervisor
from otp.events import ChildDelayed, FatalFailure
from services.shared.logutil import LogUtil
from tests.services.not_now.rigs import RIGS, services


@pytest.fixture
def locked(bus, raw):
    """The address of the bus for those who know its password."""
    raw.config_set("requirepass", "right")
    raw.auth("right")
    return bus.url.replace("unix://", "unix://:right@")


@pytest.mark.parametrize("service", services("massive", "execution"))
async def test_a_password_that_never_worked_ends_the_service_for_good(locked, raw, until, service):
    rig = RIGS[service](locked.replace("right", "wrong"), raw, until)
    async with rig.open():
        shared = rig.service.shared(rig.config, LogUtil(service))
        with anyio.fail_after(10), pytest.raises(Exception):  # noqa: B017 # what it is, the event says
            async with open_supervisor(rig.service.tree(rig.config, shared), hooks=[rig.events]):
                raise AssertionError("it never comes up")
        await shared.aclose()
    assert {event.verdict for event in rig.events.of(FatalFailure)} == {"config_error"}


@pytest.mark.parametrize("service", services("massive"))
async def test_a_password_that_worked_and_is_refused_is_tried_again_until_it_works(locked, raw, until, service):
    rig = RIGS[service](locked, raw, until)
    async with rig.open(), rig.running():
        await anyio.sleep(0.1)
        rig.work()
        raw.config_set("requirepass", "rotated")
        raw.client_kill_filter(_type="normal", skipme=True)
        await until(lambda: any(event.verdict == "access_refused" for event in rig.events.of(ChildDelayed)), 10)
        raw.config_set("requirepass", "right")
        await until(rig.is_up, 15)
        await rig.is_done()
