"""chrono-daemon: a runner task for each child, on anyio. Its backoff, of 0.1 s at least, is set to 0."""

import anyio
from chrono_daemon.supervisor import RestartPolicy, Supervisor

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.loops import run_anyio
from benchmarks.systems.runs.restarts import Restarts


def restart(run: Restarts) -> None:
    async def crash(context):
        run.enter()
        await anyio.sleep(run.idle)
        run.crashing()
        raise ValueError

    async def idle(context):
        await anyio.sleep_forever()

    async def main() -> None:
        at_once = RestartPolicy(base=0.0, factor=1.0, cap=0.0)
        async with Supervisor(on_error="restart", restart=at_once) as supervisor:
            for n in range(run.siblings):
                supervisor.spawn(idle, name=f"idle{n}")
            supervisor.spawn(crash, name="child")

    run_anyio(main, run.backend)


def scale(run: Children) -> None:
    async def idle(context):
        run.enter()
        await anyio.sleep_forever()

    async def main() -> None:
        run.declare()
        run.begin()
        async with Supervisor(on_error="restart") as supervisor:
            for n in range(run.count):
                supervisor.spawn(idle, name=f"idle{n}")
            while run.running < run.count:
                await anyio.sleep(0)
            run.up()
            await supervisor.stop(grace=0)
        run.over()

    run_anyio(main, run.backend)
