"""A cancelled scope around a tree, at any moment of its life: C29."""

import subprocess
import sys

import anyio
import pytest
from anyio.lowlevel import checkpoint

from otp import Strategy, open_supervisor, supervisor
from otp.testing import FailStart, Hang, Journal, Probe, Run

UNLIMITED = {"intensity": 10**9, "period": 1.0}


async def turns(count=12):
    for _ in range(count):
        await checkpoint()


async def idle(root, probes):
    pass


async def restarting(root, probes):
    probes["b"].crash()


async def half_way_through_a_group(root, probes):
    probes["b"].crash()
    await turns(4)


async def trying_again_and_again(root, probes):
    probes["broken"].crash()
    await turns(40)


async def adding(root, probes):
    with anyio.move_on_after(0):
        await root.start_child(Probe("new", Hang()).spec(), under="group")


async def stopping(root, probes):
    with anyio.move_on_after(0):
        await root.terminate_child("group")


async def ending(root, probes):
    root.stop()


@pytest.mark.parametrize("around", ["scope", "group"])
@pytest.mark.parametrize(
    "busy", [idle, restarting, half_way_through_a_group, trying_again_and_again, adding, stopping, ending]
)
async def test_a_cancelled_scope_around_a_tree_stops_it_in_order_and_raises_nothing_else_c29(busy, around):
    journal: Journal = []
    probes = {name: Probe(name, journal=journal) for name in "abcd"}
    probes["broken"] = Probe("broken", Run(), FailStart(ValueError("never")))
    a, b, c, d, broken = (probe.spec() for probe in probes.values())
    group = supervisor("group", strategy=Strategy.ONE_FOR_ALL, children=[b, c])
    spec = supervisor("root", **UNLIMITED, children=[a, group, broken, d])

    async def host():
        async with open_supervisor(spec) as root:
            await busy(root, probes)
            up.set()
            await anyio.sleep_forever()

    up = anyio.Event()
    if around == "scope":
        with anyio.CancelScope() as outside:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(host)
                await up.wait() if busy is not ending else await turns()
                outside.cancel()
        assert outside.cancelled_caught
    else:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host)
            await up.wait() if busy is not ending else await turns()
            tasks.cancel_scope.cancel()
    assert all(probe.alive == 0 for probe in probes.values())
    last = {name: len(journal) - journal[::-1].index(f"end {name}") for name in "abcd"}
    assert last["c"] < last["b"] < last["a"] or busy in (restarting, half_way_through_a_group)
    assert max(last["b"], last["c"]) < last["a"] == len(journal)
    assert last["d"] < last["a"]


AT_EACH_TURN = """
import asyncio, faulthandler, sys
import anyio
from anyio.lowlevel import checkpoint
from otp import open_supervisor, supervisor
from otp.testing import Hang, Probe

backend, how = sys.argv[1:]
options = {"use_uvloop": True} if backend == "uvloop" else {}

async def host(probes):
    async with open_supervisor(supervisor("root", children=[probe.spec() for probe in probes])):
        raise AssertionError("the block must not begin")

async def main(turn):
    probes = [Probe("a"), Probe("b"), Probe("hanging", Hang())]
    if how == "scope":
        async with anyio.create_task_group() as group:
            group.start_soon(host, probes)
            for _ in range(turn):
                await checkpoint()
            group.cancel_scope.cancel()
    else:
        task = asyncio.ensure_future(host(probes))
        for _ in range(turn):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    assert [probe.alive for probe in probes] == [0, 0, 0]

for turn in range(12):
    faulthandler.dump_traceback_later(4, exit=True)
    anyio.run(main, turn, backend="trio" if backend == "trio" else "asyncio", backend_options=options)
    print(turn, flush=True)
"""


@pytest.mark.parametrize(
    ("backend", "how"),
    [("asyncio", "scope"), ("uvloop", "scope"), ("trio", "scope"), ("asyncio", "task"), ("uvloop", "task")],
)
def test_a_cancellation_ends_the_start_at_whichever_turn_of_the_loop_it_comes_c29(backend, how):
    """In a process of its own: what hangs behind a shield could not be ended otherwise."""
    command = [sys.executable, "-c", AT_EACH_TURN, backend, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout.split() == [str(turn) for turn in range(12)], done.stderr
