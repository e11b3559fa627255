"""One restart with stamps between its parts: ours, and the floor of the same shape."""

import asyncio
from typing import Any

import anyio

from benchmarks.systems.runs.loops import run_anyio
from benchmarks.systems.runs.restart_parts import RestartParts
from otp import open_supervisor, supervisor, worker
from otp.runtime.supervisor import RunningSupervisor


def parts_ours(run: RestartParts) -> None:
    """Stamped around the hop from the dying task to its supervisor."""
    hop = RunningSupervisor.ended

    def ended(self: RunningSupervisor, *told: Any) -> None:
        run.caught()
        hop(self, *told)
        run.scheduled()

    RunningSupervisor.ended = ended

    async def crash() -> None:
        run.enter()
        await anyio.sleep(0)
        run.crashing()
        raise ValueError

    async def main() -> None:
        spec = supervisor("root", intensity=10**9, period=0.001, children=[worker("child", crash)])
        async with open_supervisor(spec):
            await anyio.sleep_forever()

    run_anyio(main, run.backend)


def parts_floor(run: RestartParts) -> None:
    """A fresh task in a cancel scope of its own, started by the dying one."""
    live: set[asyncio.Task[None]] = set()
    start: Any

    async def child() -> None:
        with scope():
            try:
                run.enter()
                await anyio.sleep(0)
                run.crashing()
                raise ValueError
            except ValueError:
                pass
        run.caught()
        start(child)
        run.scheduled()

    def start_task(child: Any) -> None:
        task = asyncio.get_running_loop().create_task(child())
        live.add(task)
        task.add_done_callback(live.discard)

    async def on_asyncio() -> None:
        start_task(child)
        await anyio.sleep_forever()

    async def on_trio() -> None:
        nonlocal start
        async with trio.open_nursery() as nursery:
            start = nursery.start_soon
            start(child)

    if run.backend == "trio":
        import trio  # noqa: PLC0415

        scope: Any = trio.CancelScope
        run_anyio(on_trio, run.backend)
    else:
        scope, start = anyio.CancelScope, start_task
        run_anyio(on_asyncio, run.backend)
