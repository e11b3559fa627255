"""The clean-up of a child: when its stop is answered, and that it runs once: pitfalls 28, 29."""

from contextlib import suppress

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import ExitShutdown, Ignore, Restart, StartError, Strategy, open_supervisor, supervisor, worker
from otp.testing import Probe


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


async def shielded_turns(count=5):
    with anyio.CancelScope(shield=True):
        await turns(count)


@pytest.mark.parametrize("error", [None, ValueError("in the clean-up")])
async def test_a_stop_is_answered_after_the_clean_up_also_when_that_raises_pitfall_28(error):
    cleaned_up = []

    async def child():
        try:
            await anyio.sleep_forever()
        finally:
            await shielded_turns()
            cleaned_up.append(True)
            if error:
                raise error

    async with open_supervisor(supervisor("root", intensity=0, children=[worker("c", child)])) as root:
        await turns()
        await root.terminate_child("c")
        assert cleaned_up == [True]
        await root.restart_child("c")
        await turns()
        await root.restart("c")
        assert cleaned_up == [True, True]


async def by_termination(root):
    await root.terminate_child("group/c")


async def by_restart(root):
    await root.restart("group/c")


async def by_its_group(root):
    await root.restart("group/other")


async def by_the_end_of_its_supervisor(root):
    await root.terminate_child("group")


async def by_the_end_of_the_tree(root):
    root.stop()
    await anyio.sleep_forever()


async def by_a_kill_of_the_tree(root):
    root.kill()
    await anyio.sleep_forever()


async def by_leaving_the_block(root):
    pass


ORDERS = [
    by_termination,
    by_restart,
    by_its_group,
    by_the_end_of_its_supervisor,
    by_the_end_of_the_tree,
    by_a_kill_of_the_tree,
    by_leaving_the_block,
]


def with_clean_up(child):
    group = supervisor("group", strategy=Strategy.ONE_FOR_ALL, children=[Probe("other").spec(), child])
    return supervisor("root", children=[group])


@pytest.mark.parametrize("grace", [5.0, "brutal_kill"], ids=["grace", "brutal"])
@pytest.mark.parametrize("order", ORDERS)
async def test_the_clean_up_of_a_stopped_child_runs_once_for_each_incarnation_pitfall_29(order, grace):
    begun = cleaned_up = 0

    async def child(*, task_status):
        nonlocal begun, cleaned_up
        begun += 1
        task_status.started()
        try:
            await anyio.sleep_forever()
        finally:
            cleaned_up += 1

    async with open_supervisor(with_clean_up(worker("c", child, ready=True, shutdown=grace))) as root:
        await order(root)
        await turns()
        if order is not by_leaving_the_block:
            assert cleaned_up == 1
    assert cleaned_up == begun == 1 + (order in (by_restart, by_its_group))


@pytest.mark.parametrize("ready", [True, False], ids=["after being ready", "before"])
@pytest.mark.parametrize("ending", [None, ValueError(), ExitShutdown(), Ignore(), SystemExit(1)], ids=repr)
async def test_the_clean_up_of_a_child_that_ends_by_itself_runs_once_pitfall_29(ending, ready):
    cleaned_up, answered = 0, False

    async def child(*, task_status):
        nonlocal cleaned_up
        try:
            await checkpoint()
            if ready:
                task_status.started()
            if ending:
                raise ending
        finally:
            cleaned_up += 1

    temporary = worker("c", child, ready=True, restart=Restart.TEMPORARY)
    try:
        async with open_supervisor(supervisor("root")) as root:
            with suppress(StartError):
                await root.start_child(temporary)
            await turns()
            answered = True
            assert root.which_children() == ()
    except SystemExit:
        assert isinstance(ending, SystemExit)
    assert answered is not isinstance(ending, SystemExit)
    assert cleaned_up == 1
