"""Children that need something: held while it is down, at no cost, and woken once, one after the other."""

import anyio
import pytest

from otp import SpecError, dependency, events, open_supervisor, supervisor, worker
from otp.testing import EventRecorder

pytestmark = pytest.mark.virtual_time


class Redis:
    """Something that can be down."""

    def __init__(self):
        self.up = True
        self.asked = 0
        self.went = anyio.Event()
        self.starts = []

    async def probe(self):
        self.asked += 1
        if not self.up:
            raise ConnectionError("refused")

    async def use(self, name, *, task_status):
        self.starts.append((name, anyio.current_time()))
        if not self.up:
            raise ConnectionError("refused")
        task_status.started(name)
        await self.went.wait()
        raise ConnectionError("reset")

    def go(self):
        self.up = False
        self.went.set()
        self.went = anyio.Event()


def tree(redis, *names, intensity=0, **options):
    return supervisor(
        "root",
        intensity=intensity,
        dependencies=[dependency("redis", redis.probe, **options)],
        children=[worker(name, redis.use, name, ready=True, needs=("redis",)) for name in names],
    )


async def test_a_dead_redis_costs_no_restarts_and_wakes_everyone_once(anyio_backend):
    redis, recorder = Redis(), EventRecorder()
    async with open_supervisor(tree(redis, "a", "b", "c", stagger=0.1), hooks=[recorder]) as root:
        redis.go()
        await anyio.sleep(60.5)
        assert [child.state for child in root.which_children()] == ["held"] * 3
        assert [name for name, _ in redis.starts] == ["a", "b", "c"]
        redis.up = True
        await anyio.sleep(5.0)
        assert [child.state for child in root.which_children()] == ["running"] * 3
        assert [child.crashes for child in root.which_children()] == [1, 1, 1]
    again = redis.starts[3:]
    assert {name for name, _ in again} == {"a", "b", "c"}
    first = again[0][1]
    assert [round(at - first, 6) for _, at in again] == [0.0, 0.1, 0.2]
    assert len(recorder.of(events.DependencyDown)) == 1
    (up,) = recorder.of(events.DependencyUp)
    assert 60.0 <= up.downtime <= 61.0


async def test_while_all_is_well_nobody_is_asked(anyio_backend):
    redis = Redis()
    async with open_supervisor(tree(redis, "a")):
        await anyio.sleep(3600.0)
    assert redis.asked == 0


async def test_while_it_is_down_it_is_asked_at_its_interval_and_then_no_more(anyio_backend):
    redis = Redis()
    async with open_supervisor(tree(redis, "a", every=2.0)):
        redis.go()
        await anyio.sleep(20.0)
        redis.up = True
        await anyio.sleep(1000.0)
    assert 10 <= redis.asked <= 12


async def test_a_failure_while_it_is_there_is_a_failure_like_any_other(anyio_backend):
    redis, recorder = Redis(), EventRecorder()
    async with open_supervisor(tree(redis, "a", intensity=3), hooks=[recorder]) as root:
        redis.went.set()
        redis.went = anyio.Event()
        await recorder.wait_for(events.ChildStarted, "root/a", count=2)
        assert (root.child("a").crashes, redis.asked) == (1, 1)
    assert not recorder.of(events.DependencyDown)


async def test_a_probe_that_hangs_means_that_it_is_down(anyio_backend):
    redis, recorder = Redis(), EventRecorder()
    redis.probe = anyio.sleep_forever
    async with open_supervisor(tree(redis, "a", timeout=2.0), hooks=[recorder]) as root:
        redis.go()
        down = await recorder.wait_for(events.DependencyDown)
        assert down.crash.type == "TimeoutError"
        assert root.child("a").state == "held"


async def test_a_child_that_needs_two_things_waits_for_both(anyio_backend):
    one, two = Redis(), Redis()
    spec = supervisor(
        "root",
        intensity=0,
        dependencies=[dependency("one", one.probe), dependency("two", two.probe)],
        children=[worker("a", one.use, "a", ready=True, needs=("one", "two"))],
    )
    async with open_supervisor(spec) as root:
        two.up = False
        one.go()
        await anyio.sleep(10.0)
        one.up = True
        await anyio.sleep(10.0)
        assert root.child("a").state == "held"
        two.up = True
        await anyio.sleep(2.0)
        assert root.child("a").state == "running"


async def test_the_tree_stops_while_somebody_is_held(anyio_backend):
    redis = Redis()
    async with open_supervisor(tree(redis, "a")):
        redis.go()
        await anyio.sleep(3.0)
    assert redis.asked >= 3


async def test_a_held_child_that_is_terminated_is_not_watched_for(anyio_backend):
    redis = Redis()
    async with open_supervisor(tree(redis, "a")) as root:
        redis.go()
        await anyio.sleep(3.0)
        await root.terminate_child("a")
        await anyio.sleep(2.0)
        asked = redis.asked
        await anyio.sleep(100.0)
        assert redis.asked == asked
        assert root.child("a").state == "stopped"


async def test_the_nearest_declaration_counts(anyio_backend):
    near, far = Redis(), Redis()
    below = supervisor(
        "below",
        intensity=0,
        dependencies=[dependency("redis", near.probe)],
        children=[worker("a", near.use, "a", ready=True, needs=("redis",))],
    )
    async with open_supervisor(supervisor("root", dependencies=[dependency("redis", far.probe)], children=[below])):
        near.go()
        await anyio.sleep(3.0)
    assert (near.asked > 0, far.asked) == (True, 0)


async def test_what_nobody_declares_cannot_be_needed(anyio_backend):
    redis = Redis()
    lonely = worker("a", redis.use, "a", ready=True, needs=("redis",))
    with pytest.raises(SpecError, match=r"'a' needs 'redis', which no supervisor above it declares \(declared: none\)"):
        async with open_supervisor(supervisor("root", children=[lonely])):
            raise AssertionError("the block must not begin")
    async with open_supervisor(supervisor("root")) as root:
        with pytest.raises(SpecError, match="declared: none"):
            await root.start_child(lonely)
    async with open_supervisor(tree(redis)) as root:
        assert await root.start_child(lonely) == "a"
