"""How trees start, how failed starts are told and tried again, and what starting many costs: C19-C22."""

import gc
import sys
import time

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import IntensityReached, StartError, events, open_supervisor, supervisor, worker
from otp.testing import Crash, EventRecorder, FailStart, Journal, Probe, Run


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


@pytest.mark.parametrize("fails", ["at once", "later", "two levels down"])
async def test_a_start_that_fails_is_an_error_before_the_block_begins_and_is_undone_c19(fails):
    journal: Journal = []
    error = KeyError("the cause")

    async def broken(*, task_status):
        if fails != "at once":
            await turns()
        raise error

    bad = worker("bad", broken, ready=True)
    if fails == "two levels down":
        bad = supervisor("s", children=[Probe("b", journal=journal).spec(), supervisor("t", children=[bad])])
    first, last = Probe("first", journal=journal), Probe("last", journal=journal)
    with pytest.raises(StartError):
        async with open_supervisor(supervisor("root", children=[first.spec(), bad, last.spec()])):
            raise AssertionError("the block must not begin")
    between = ["start b", "end b"] if fails == "two levels down" else []
    assert journal == ["start first", *between, "end first"]


async def test_a_success_means_that_every_child_is_up_c19():
    up = []

    async def slow(name, *, task_status):
        await turns()
        up.append(name)
        task_status.started()
        await anyio.sleep_forever()

    a, b, c, d = (worker(name, slow, name, ready=True) for name in "abcd")
    spec = supervisor("root", children=[a, supervisor("s", children=[b, supervisor("t", children=[c])]), d])
    async with open_supervisor(spec) as root:
        assert up == ["a", "b", "c", "d"]
        assert {child.state for child in root.walk()} == {"running"}


async def test_a_child_added_by_request_is_up_when_the_request_is_answered_or_it_fails_c19():
    async with open_supervisor(supervisor("root")) as root:
        assert await root.start_child(Probe("good").spec()) == 1
        with pytest.raises(StartError):
            await root.start_child(Probe("bad", FailStart(ValueError("no"))).spec())
        assert [(child.id, child.state) for child in root.which_children()] == [("good", "running")]


async def test_a_restart_that_fails_is_tried_again_until_it_comes_up_c20():
    failures = [FailStart(ValueError("not yet"))] * 4
    a, recorder = Probe("a", Run(), *failures, Run()), EventRecorder()
    async with open_supervisor(supervisor("root", intensity=5, children=[a.spec()]), hooks=[recorder]) as root:
        a.crash()
        await recorder.wait_for(events.ChildStarted, "root/a", count=2)
        assert (a.starts, root.child("a").crashes) == (6, 5)
        assert [e.used for e in recorder.of(events.ChildRestarting)] == [1, 2, 3, 4, 5]


async def test_a_restart_that_fails_once_too_often_ends_the_supervisor_c20():
    a = Probe("a", Run(), FailStart(ValueError("never")))
    with pytest.raises(IntensityReached):
        async with open_supervisor(supervisor("root", intensity=5, children=[a.spec()])):
            a.crash()
            await anyio.sleep_forever()
    assert a.starts == 1 + 5


def stack_depth():
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("nested", [True, False])
async def test_a_thousand_tries_are_all_made_at_the_same_stack_depth_c20(nested, at_once):
    depths, over = [], anyio.Event()

    async def broken(*, task_status):
        depths.append(stack_depth())
        if len(depths) == 1:
            task_status.started()
        elif len(depths) > 1_000:
            over.set()
            task_status.started()
            await anyio.sleep_forever()
        elif not at_once:
            await checkpoint()
        raise ValueError

    limits = {"intensity": 10**9, "period": 1.0}
    child = worker("c", broken, ready=True)
    if nested:
        child = supervisor("inner", intensity=0, children=[child])
    async with open_supervisor(supervisor("root", **limits, children=[child])):
        await over.wait()
    assert len(depths) == 1_001
    assert len(set(depths[10:])) == 1


async def test_the_cause_of_a_failed_start_is_reported_as_it_was_raised_c21():
    error, recorder = KeyError("the real cause"), EventRecorder()
    with pytest.raises(StartError) as raised:
        async with open_supervisor(
            supervisor("root", children=[Probe("a", FailStart(error)).spec()]), hooks=[recorder]
        ):
            raise AssertionError("the block must not begin")
    assert raised.value.__cause__ is error
    assert (raised.value.path, str(raised.value)) == ("root/a", "root/a did not start: KeyError: 'the real cause'")
    (failed,) = recorder.of(events.ChildStartFailed)
    assert (failed.exit.crash.type, failed.exit.crash.message) == ("KeyError", "'the real cause'")


async def test_the_cause_of_a_failed_start_is_kept_through_levels_requests_and_tries_c21():
    error = KeyError("the real cause")
    below = supervisor("s", children=[Probe("a", FailStart(error)).spec()])
    async with open_supervisor(supervisor("root")) as root:
        with pytest.raises(StartError) as raised:
            await root.start_child(below)
        assert raised.value.__cause__.__cause__ is error
    recorder = EventRecorder()
    tried = Probe("a", Crash(ValueError("first")), FailStart(error))
    with pytest.raises(IntensityReached) as gave_up:
        async with open_supervisor(supervisor("root", intensity=2, children=[tried.spec()]), hooks=[recorder]):
            await anyio.sleep_forever()
    assert gave_up.value.__cause__ is error
    assert [e.exit.crash.type for e in recorder.of(events.ChildStartFailed)] == ["KeyError"] * 2


async def seconds_for(count):
    async def child(*, task_status):
        task_status.started()
        await anyio.sleep_forever()

    spec = supervisor("root", children=[worker(f"c{n}", child, ready=True) for n in range(count)])
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        async with open_supervisor(spec) as root:
            seconds = time.process_time() - began
            assert root.count_children().active == count
    finally:
        gc.enable()
    return seconds


async def test_starting_ten_times_as_many_children_costs_less_than_thirty_times_as_much_c22():
    few = max([await seconds_for(1_000) for _ in range(2)])
    assert await seconds_for(10_000) < 30 * few
