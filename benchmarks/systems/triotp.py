"""triotp: a supervisor of its own task, with OTP's names, on trio."""

import sys

import logbook
import trio
from triotp import supervisor

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts


def restart(run: Restarts) -> None:
    async def crash() -> None:
        run.enter()
        await trio.sleep(run.idle)
        run.crashing()
        raise ValueError

    async def main() -> None:
        specs = [supervisor.child_spec(id=f"idle{n}", task=trio.sleep_forever, args=[]) for n in range(run.siblings)]
        specs.append(supervisor.child_spec(id="child", task=crash, args=[]))
        await supervisor.start(specs, supervisor.options(max_restarts=UNLIMITED, max_seconds=run.window(1)))

    log = logbook.StreamHandler(sys.stderr) if run.log else logbook.NullHandler()
    with log.applicationbound():
        trio.run(main)


def scale(run: Children) -> None:
    async def idle() -> None:
        run.enter()
        await trio.sleep_forever()

    async def main() -> None:
        run.declare()
        specs = [supervisor.child_spec(id=f"idle{n}", task=idle, args=[]) for n in range(run.count)]
        run.begin()
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.start, specs, supervisor.options())
            while run.running < run.count:
                await trio.sleep(0)
            run.up()
            nursery.cancel_scope.cancel()
        run.over()

    with logbook.NullHandler().applicationbound():
        trio.run(main)
