"""Calls that the type checkers must refuse, one in a line, from a mark on. Checked, never run."""

# pyright: strict

import anyio
from anyio.abc import TaskStatus

import otp
from otp import Restart, supervisor, worker


async def idle() -> None: ...
async def fetch(url: str, retries: int) -> bytes:
    return url.encode() * retries


async def serve(port: int, *, task_status: TaskStatus[int]) -> None: ...
def blocking() -> None: ...


# Each line from here on is wrong.
worker("a", fetch)
worker("a", fetch, "wss://…")
worker("a", fetch, 3, "wss://…")
worker("a", fetch, "wss://…", 3, 4)
worker("a", fetch, "wss://…", retries=3)
worker("a", blocking)
worker("a", idle())
worker("a", idle, ready=True)
worker("a", serve, 80)
worker("a", serve, "80", ready=True)
worker("a", idle, start_timeout=3.0)
worker("a", idle, restart="always")
worker("a", idle, watchdog="30 s")
worker("a", idle, watchdog=lambda: 7)
otp.Watchdog(30.0)
otp.Watchdog(within=30.0, progress=lambda n: n)
worker("a", idle, shutdown="gently")
worker(7, idle)
supervisor("root", children=[idle])
supervisor("root", children=worker("a", idle))
supervisor("root", strategy="one_for_one")
supervisor("root", intensity=1.5)
supervisor("root", restart=Restart)
otp.run(worker("a", idle))
otp.run(supervisor("root"), backend="twisted")
otp.run(supervisor("root"), hooks=[print, anyio.sleep, lambda: None])
