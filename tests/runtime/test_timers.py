"""Timers: in order of their time, to the point, and without growing."""

from math import inf

import anyio
import pytest

from otp.core.inputs import Timer, TimerFired, TimerKind
from otp.runtime.stack import await_chain
from otp.runtime.timers import Timers

pytestmark = pytest.mark.virtual_time


class Owner:
    """Remembers what it is fed, and when."""

    def __init__(self):
        self.fed = []

    def feed(self, event):
        assert isinstance(event, TimerFired)
        self.fed.append((event.timer.child, round(anyio.current_time() - self.began, 3)))


@pytest.fixture
async def owner():
    owner = Owner()
    owner.began = anyio.current_time()
    return owner


@pytest.fixture
async def timers():
    timers = Timers(anyio.current_time)
    async with anyio.create_task_group() as group:
        group.start_soon(timers.run)
        yield timers
        group.cancel_scope.cancel()


def timer(name):
    return Timer(name, 1, TimerKind.SHUTDOWN)


async def test_they_fire_in_the_order_of_their_times(timers, owner):
    for name, seconds in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        timers.set(owner, timer(name), owner.began + seconds)
    await anyio.sleep(5)
    assert owner.fed == [("a", 1.0), ("b", 2.0), ("c", 3.0)]


async def test_those_of_one_moment_fire_in_the_order_they_were_set(timers, owner):
    for name in "xyz":
        timers.set(owner, timer(name), owner.began + 1.0)
    await anyio.sleep(2)
    assert [name for name, _ in owner.fed] == ["x", "y", "z"]


async def test_one_that_is_set_later_and_due_earlier_is_not_late(timers, owner):
    timers.set(owner, timer("late"), owner.began + 100.0)
    await anyio.sleep(1)
    timers.set(owner, timer("early"), owner.began + 2.0)
    await anyio.sleep(1.5)
    assert owner.fed == [("early", 2.0)]


async def test_one_that_is_due_already_fires_at_once(timers, owner):
    timers.set(owner, timer("due"), owner.began)
    for _ in range(5):
        await anyio.sleep(0)
    assert owner.fed == [("due", 0.0)]


async def test_one_that_was_cancelled_never_fires(timers, owner):
    timers.set(owner, timer("a"), owner.began + 1.0)
    timers.set(owner, timer("b"), owner.began + 1.0)
    timers.cancel(owner, timer("a"))
    timers.cancel(owner, timer("a"))
    timers.cancel(owner, timer("never set"))
    await anyio.sleep(2)
    assert owner.fed == [("b", 1.0)]


async def test_two_owners_may_use_the_same_name(timers, owner):
    other = Owner()
    other.began = owner.began
    timers.set(owner, timer("a"), owner.began + 1.0)
    timers.set(other, timer("a"), owner.began + 1.0)
    timers.cancel(owner, timer("a"))
    await anyio.sleep(2)
    assert (owner.fed, other.fed) == ([], [("a", 1.0)])


async def test_an_infinite_time_never_comes(timers, owner):
    timers.set(owner, timer("a"), inf)
    await anyio.sleep(1e9)
    assert owner.fed == []


async def test_many_that_were_cancelled_do_not_stay_in_memory(timers, owner):
    timers.set(owner, timer("kept"), owner.began + 50.0)
    for n in range(10_000):
        timers.set(owner, timer(f"t{n}"), owner.began + 100.0)
        timers.cancel(owner, timer(f"t{n}"))
    assert len(timers._heap) < 200
    assert len(timers._armed) == 1
    await anyio.sleep(60)
    assert owner.fed == [("kept", 50.0)]


async def test_a_chain_of_awaits_is_told_from_the_outside_in():
    async def inner():
        await anyio.sleep_forever()

    async def outer():
        await inner()

    def names(chain):
        return [step.split(" ")[0].rpartition(".")[2] for step in chain]

    coroutine = outer()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: coroutine)
        await anyio.sleep(1)
        chain = await_chain(coroutine)
        group.cancel_scope.cancel()
    assert names(chain)[:3] == ["outer", "inner", "sleep_forever"]
    assert f"({__file__}:" in chain[0]
    assert await_chain(coroutine) == ()
    assert await_chain(None) == ()
