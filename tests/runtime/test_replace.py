"""`Supervisor.replace`: another spec for a child of a running tree, and for all of its starts that follow."""

import anyio
import pytest

from otp import NoProc, NotFound, NotSupported, SpecError, open_supervisor, supervisor, worker
from otp.dependency import dependency
from otp.events import Cause, ChildRestarting
from otp.spec import Restart, dynamic_supervisor
from otp.testing import EventRecorder, Probe


def nested(*children, **options):
    return supervisor("root", children=[supervisor("mid", children=[supervisor("low", children=children, **options)])])


async def forever():
    await anyio.sleep_forever()


async def fine():
    """What a probe of a dependency is."""


async def test_a_child_is_restarted_by_its_new_spec_alone_and_that_counts_as_manual():
    old, new, other, events = Probe("a"), Probe("a"), Probe("b"), EventRecorder()
    async with open_supervisor(nested(old.spec(), other.spec(), intensity=0), hooks=[events]) as root:
        assert await root.replace("mid/low/a", new.spec()) == 1
        assert (old.alive, new.alive, other.starts) == (0, 1, 1)
        assert root.get_childspec("mid/low/a") == new.spec()
        assert (root.child("mid/low/a").generation, root.child("mid/low/a").manual) == (2, 1)
        restarting = await events.wait_for(ChildRestarting)
        assert (restarting.path, restarting.cause) == ("root/mid/low/a", Cause.MANUAL)


@pytest.mark.parametrize("above", ["mid", "mid/low"])
async def test_a_supervisor_above_that_is_restarted_later_starts_it_by_its_new_spec(above):
    old, new = Probe("a"), Probe("a")
    async with open_supervisor(nested(old.spec())) as root:
        await root.replace("mid/low/a", new.spec())
        await root.restart(above)
        assert (old.starts, new.starts, new.alive) == (1, 2, 1)


async def test_the_specs_of_all_supervisors_above_have_it():
    new = Probe("a").spec(shutdown=9.0)
    async with open_supervisor(nested(Probe("a").spec(), Probe("b").spec())) as root:
        await root.replace("mid/low/a", new)
        (mid,) = root.spec.children
        (low,) = mid.children
        assert root.supervisor("mid").spec == mid
        assert root.supervisor("mid/low").spec == low
        assert [child.id for child in low.children] == ["a", "b"]
        assert low.children[0] is new


async def test_a_child_is_left_as_it_is_until_its_next_start_if_that_is_wanted():
    old, new = Probe("a"), Probe("a")
    async with open_supervisor(nested(old.spec())) as root:
        assert await root.replace("mid/low/a", new.spec(), restart=False) is None
        assert (old.alive, new.starts) == (1, 0)
        old.crash()
        while not new.alive:
            await anyio.sleep(0)
        assert old.starts == 1


@pytest.mark.parametrize(
    ("before", "after"), [("temporary", "temporary"), ("temporary", "permanent"), ("permanent", "temporary")]
)
async def test_a_temporary_child_goes_on_and_the_next_one_is_new(before, after):
    old, new = Probe("a"), Probe("a")
    async with open_supervisor(nested(old.spec(restart=Restart(before)))) as root:
        assert await root.replace("mid/low/a", new.spec(restart=Restart(after))) is None
        assert (old.alive, new.starts) == (1, 0)
        await root.restart("mid/low")
        assert (old.alive, new.alive) == (0, 1)


async def test_a_child_that_was_added_later_is_replaced_too():
    old, new = Probe("a"), Probe("a")
    async with open_supervisor(supervisor("root", children=[dynamic_supervisor("pool")])) as root:
        await root.start_child(old.spec(), under="pool")
        await root.replace("pool/a", new.spec())
        assert (old.alive, new.alive) == (0, 1)
        assert root.spec == supervisor("root", children=[dynamic_supervisor("pool")])


async def test_a_supervisor_is_replaced_with_all_that_is_below_it():
    old, new, more = Probe("a"), Probe("a"), Probe("b")
    async with open_supervisor(nested(old.spec())) as root:
        await root.replace("mid/low", supervisor("low", children=[new.spec(), more.spec()]))
        assert (old.alive, new.alive, more.alive) == (0, 1, 1)
        assert root.child("mid/low/a").generation == 2


async def test_a_supervisor_that_is_down_is_started_by_its_new_spec_when_somebody_starts_it():
    old, new = Probe("a"), Probe("a")
    async with open_supervisor(nested(old.spec())) as root:
        await root.terminate_child("mid/low")
        with pytest.raises(NoProc):
            await root.replace("mid/low/a", new.spec())
        await root.replace("mid/low", supervisor("low", children=[new.spec()]), restart=False)
        assert new.starts == 0
        await root.restart_child("mid/low")
        assert (old.starts, new.alive) == (1, 1)


async def test_what_cannot_stand_in_its_place_is_refused_and_nothing_happens():
    old = Probe("a")
    async with open_supervisor(nested(old.spec())) as root:
        before = root.spec
        for path, spec, message in [
            ("mid/low/a", worker("b", forever), r"expects a worker 'a' for 'a', got a ChildSpec 'b'"),
            ("mid/low/a", supervisor("a"), r"expects a worker 'a' for 'a', got a SupervisorSpec 'a'"),
            ("mid/low", worker("low", forever), r"expects a supervisor 'low' for 'low', got a ChildSpec 'low'"),
            ("mid/low/a", forever, r"expects a worker 'a' for 'a', got a function ''"),
            ("mid/low/a", worker("a", forever, restart=Restart.TRANSIENT, significant=True), r"auto_shutdown=never"),
            ("mid/low/a", worker("a", forever, needs=["redis"]), r"needs 'redis'"),
        ]:
            with pytest.raises(SpecError, match=message):
                await root.replace(path, spec)
        for path, error in {
            "mid/low/x": NotFound,
            "x/y": NotFound,
            "mid/low/a/b": NotSupported,
            "": NotSupported,
        }.items():
            with pytest.raises(error):
                await root.replace(path, worker("a", forever))
        assert root.spec is before
        assert (old.starts, old.alive) == (1, 1)


async def test_a_new_spec_may_need_what_a_supervisor_above_declares():
    tree = supervisor("root", dependencies=[dependency("redis", fine)], children=[Probe("a").spec()])
    async with open_supervisor(tree) as root:
        await root.replace("a", Probe("a").spec(needs=("redis",)))
        assert root.get_childspec("a").needs == ("redis",)
