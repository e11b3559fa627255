"""Maintenance that ends by itself, in virtual time."""

import anyio
import pytest

from otp import supervisor
from otp.control.tree.maintenance import AGAIN
from otp.control.wire.commands import GetEvents, GetSnapshot, Pause, Restart, Resume, Start, Stop
from otp.events import ChildPaused, ChildStarted, MaintenanceEnded
from otp.spec import dynamic_supervisor
from otp.testing import Probe
from tests.control.stage import in_one_loop, turns

pytestmark = pytest.mark.virtual_time


@pytest.fixture
def anyio_backend(virtual):
    return virtual


def shop(*probes):
    workers = supervisor("workers", children=[probe.spec() for probe in probes])
    return supervisor("shop", children=[workers])


async def row_of(stage, path):
    snapshot = await stage.ask(GetSnapshot())
    return next(row for row in (snapshot.root, *snapshot.children) if row.path == path)


async def test_after_its_time_what_is_down_is_started_and_the_end_is_told():
    a = Probe("a")
    async with in_one_loop(shop(a)) as stage:
        await stage.ask(Pause(path="workers/a", seconds=600.0))
        begun = anyio.current_time()
        a.crash()
        await stage.events.wait_for(ChildPaused)
        await anyio.sleep(599.0)
        assert stage.state("workers/a") == "paused"
        assert (await row_of(stage, "shop/workers/a")).paused_s == pytest.approx(1.0, abs=0.1)
        await stage.events.wait_for(ChildStarted, "shop/workers/a", count=2)
        assert anyio.current_time() - begun == pytest.approx(600.0, abs=0.1)
        events = await stage.ask(GetEvents(path="workers/a"))
        assert "maintenance.over" in [row.event for row in events.events]


async def test_without_a_time_it_holds_until_somebody_resumes():
    a = Probe("a")
    async with in_one_loop(shop(a)) as stage:
        await stage.ask(Pause(path="workers/a"))
        a.crash()
        await anyio.sleep(1e6)
        row = await row_of(stage, "shop/workers/a")
        assert (row.state, row.paused, row.paused_s) == ("paused", True, None)
        await stage.ask(Resume(path="workers/a"))
        await stage.events.wait_for(ChildStarted, "shop/workers/a", count=2)


async def test_a_later_pause_takes_the_place_of_the_one_before():
    async with in_one_loop(shop(Probe("a"))) as stage:
        await stage.ask(Pause(path="workers/a", seconds=10.0))
        await stage.ask(Pause(path="workers/a", seconds=100.0))
        await anyio.sleep(50.0)
        assert (await row_of(stage, "shop/workers/a")).paused
        await stage.ask(Pause(path="workers/a", seconds=1.0))
        await stage.events.wait_for(MaintenanceEnded)
        assert anyio.current_time() < 60.0


async def test_resume_ends_it_with_its_time():
    async with in_one_loop(shop(Probe("a"))) as stage:
        await stage.ask(Pause(path="workers", seconds=10.0))
        await stage.ask(Resume(path="workers"))
        await stage.ask(Pause(path="workers/a"))
        await anyio.sleep(20.0)
        assert (await row_of(stage, "shop/workers/a")).paused


@pytest.mark.parametrize(("outer", "inner", "left"), [(100.0, 10.0, 10.0), (10.0, 100.0, 10.0), (10.0, None, 10.0)])
async def test_of_two_within_each_other_the_first_that_is_over_ends_for_the_inner_and_that_is_what_is_shown(
    outer, inner, left
):
    async with in_one_loop(shop(Probe("a"))) as stage:
        await stage.ask(Pause(path="workers", seconds=outer))
        await stage.ask(Pause(path="workers/a", seconds=inner))
        assert (await row_of(stage, "shop/workers/a")).paused_s == pytest.approx(left, abs=0.1)
        await anyio.sleep(left + 0.5)
        assert not (await row_of(stage, "shop/workers/a")).paused
        assert (await row_of(stage, "shop/workers")).paused is (outer > inner if inner is not None else False)


async def test_the_root_can_be_paused_with_all_below():
    async with in_one_loop(shop(Probe("a"))) as stage:
        await stage.ask(Pause(path="shop", seconds=10.0))
        for path in ("shop", "shop/workers", "shop/workers/a"):
            row = await row_of(stage, path)
            assert (row.paused, row.paused_s) == (True, pytest.approx(10.0, abs=0.1))
        await anyio.sleep(11.0)
        assert not (await row_of(stage, "shop")).paused
        assert not (await row_of(stage, "shop/workers/a")).paused


async def test_the_time_of_a_child_that_is_gone_ends_and_harms_nobody():
    async with in_one_loop(dynamic_supervisor("shop")) as stage:
        await stage.handle.start_child(Probe("a").spec())
        await stage.ask(Pause(path="a", seconds=10.0))
        await stage.ask(Stop(path="a"))
        await anyio.sleep(20.0)
        assert not stage.maintenance.holds("shop/a")
        await stage.handle.start_child(Probe("a").spec())
        await stage.ask(Restart(path="a"))


async def test_while_the_supervisor_above_is_down_it_cannot_end_and_ends_once_that_is_back():
    async with in_one_loop(shop(Probe("a"))) as stage:
        await stage.ask(Pause(path="workers/a", seconds=10.0))
        await stage.ask(Stop(path="workers"))
        await anyio.sleep(20.0)
        await stage.ask(Start(path="workers"))
        await anyio.sleep(AGAIN + 0.5)
        assert not (await row_of(stage, "shop/workers/a")).paused
        assert not stage.maintenance.holds("shop/workers/a")


async def test_after_the_end_of_the_tree_it_is_over_without_a_word():
    async with in_one_loop(shop(Probe("a"))) as stage:
        await stage.ask(Pause(path="workers/a", seconds=10.0))
        stage.handle.stop()
        await turns()
        await anyio.sleep(20.0)
        assert not stage.maintenance.holds("shop/workers/a")
