"""Calls that the type checkers must accept, with the types that they must see. Checked, never run."""

# pyright: strict

import math
from functools import partial
from typing import Any, assert_type

import anyio
from anyio.abc import TaskStatus

import otp
from otp import (
    AutoShutdown,
    ChildSpec,
    Restart,
    Strategy,
    Supervisor,
    SupervisorSpec,
    Watchdog,
    dynamic_supervisor,
    supervisor,
    worker,
)


async def idle() -> None: ...
async def fetch(url: str, retries: int) -> bytes:
    return url.encode() * retries


async def count(first: int = 0) -> None: ...
async def serve(port: int, *, task_status: TaskStatus[int]) -> None: ...
async def listen(*, task_status: TaskStatus[Any] = anyio.TASK_STATUS_IGNORED) -> None: ...


class Feed:
    async def run(self, symbol: str) -> None: ...


def watch(event: otp.Event) -> None: ...


assert_type(worker("a", idle), ChildSpec)
assert_type(worker("a", fetch, "wss://…", 3, restart=Restart.TRANSIENT, shutdown=math.inf), ChildSpec)
assert_type(worker("a", count), ChildSpec)
assert_type(worker("a", count, 7, shutdown="brutal_kill"), ChildSpec)
assert_type(worker("a", serve, 80, ready=True, start_timeout=3.0), ChildSpec)
assert_type(worker("a", listen, ready=True), ChildSpec)
assert_type(worker("a", serve, 80, ready=True, watchdog=30.0), ChildSpec)
assert_type(worker("a", fetch, "wss://…", 3, watchdog=Watchdog(within=30.0, progress=[].__len__)), ChildSpec)
assert_type(worker("a", listen), ChildSpec)
assert_type(worker("a", Feed().run, "SPX"), ChildSpec)
assert_type(worker("a", partial(fetch, retries=3), "wss://…"), ChildSpec)
assert_type(worker("a", fetch, "wss://…", 3, ready=False, significant=True, restart=Restart.TEMPORARY), ChildSpec)

tree = supervisor(
    "root",
    strategy=Strategy.ONE_FOR_ALL,
    intensity=5,
    period=60.0,
    auto_shutdown=AutoShutdown.ALL_SIGNIFICANT,
    children=[worker("a", idle), supervisor("b"), dynamic_supervisor("c", max_children=9)],
)
assert_type(tree, SupervisorSpec)
assert_type(supervisor("root", children=(worker(name, idle) for name in "abc")), SupervisorSpec)
assert_type(otp.run(tree, hooks=[watch, otp.log_events()], backend="trio", grace=5.0), int)
assert_type(otp.run(tree, uvloop=False), int)


async def embed() -> None:
    async with otp.open_supervisor(tree, hooks=[watch]) as root:
        assert_type(root, Supervisor)
        assert_type(root.which_children("b"), tuple[otp.ChildInfo, ...])
        assert_type(root.count_children(), otp.Counts)
        assert_type(root.child("a").crashes, int)
        assert_type(root.stack("a"), otp.ChildStack)
        assert_type(otp.beat(), None)
        assert_type(root.supervisor("b"), Supervisor)
        await root.start_child(worker("d", fetch, "wss://…", 3), under="c")


def tell(event: otp.Event) -> str:
    match event:
        case otp.events.ChildRestarting(path=path, exit=otp.exits.Crashed(crash=crash)):
            assert_type(crash, otp.exits.Crash | None)
            return path
        case _:
            return event.path
