"""otp, with all rules on: generation, restart table, window, counters. An event is made only where a hook listens."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel

import otp
from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.groups import Groups
from benchmarks.systems.runs.idling import Idling
from benchmarks.systems.runs.loops import count_turns, run_anyio
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts
from otp import Strategy, SupervisorSpec, open_supervisor, supervisor, worker
from otp.spec import AnySpec

SHORTEST = 0.001  # seconds: the shortest window


def restart(run: Restarts) -> None:
    """One worker under one_for_one."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    if run.backend == "trio":
        import trio  # noqa: PLC0415 # importing it takes as long as 20 000 restarts

        sleep = trio.sleep

    async def crash() -> None:
        run.enter()
        await sleep(run.idle)
        run.crashing()
        raise ValueError

    idle = [worker(f"idle{n}", anyio.sleep_forever) for n in range(run.siblings)]
    children = [*idle, worker("child", crash)]
    spec = supervisor("root", intensity=UNLIMITED, period=run.window(SHORTEST), children=children)

    async def main() -> None:
        async with open_supervisor(spec):
            await anyio.sleep_forever()

    if run.log:
        _run(spec, run.backend, whole=run.whole)
    else:
        run_anyio(main, run.backend)


def escalation(run: Restarts) -> None:
    """One worker below so many supervisors that give up with its first crash; the one above them restarts the topmost."""

    async def crash() -> None:
        run.enter()
        await anyio.lowlevel.checkpoint()
        run.crashing()
        raise ValueError

    below: AnySpec = worker("child", crash)
    for level in range(run.depth):
        below = supervisor(f"s{level}", intensity=0, children=[below])
    spec = supervisor("root", intensity=UNLIMITED, period=SHORTEST, children=[below])

    async def main() -> None:
        async with open_supervisor(spec):
            await anyio.sleep_forever()

    run_anyio(main, run.backend)


def scale(run: Children) -> None:
    """Idle workers, in one supervisor or in a nest of them."""

    async def idle() -> None:
        run.enter()
        if run.backend == "trio":
            import trio  # noqa: PLC0415 # as above

            await trio.sleep_forever()
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        run.declare()
        spec = _nest("root", run.count, run.depth, idle)
        run.begin()
        async with open_supervisor(spec):
            while run.running < run.count:
                await anyio.lowlevel.checkpoint()
            run.up()
        run.over()

    run_anyio(main, run.backend)


def groups(run: Groups) -> None:
    """Workers of one supervisor that restarts them together."""

    async def first() -> None:
        run.enter()
        await anyio.lowlevel.checkpoint()
        if not run.complete:
            complete = anyio.Event()
            run.call = complete.set
            await complete.wait()
        run.crashing()
        raise ValueError

    async def other() -> None:
        run.enter()
        await anyio.sleep_forever()

    children = [worker("first", first), *(worker(f"w{n}", other) for n in range(1, run.count))]
    strategy = Strategy(run.strategy)
    spec = supervisor("root", strategy=strategy, intensity=UNLIMITED, period=SHORTEST, children=children)

    async def main() -> None:
        async with open_supervisor(spec):
            await anyio.sleep_forever()

    run_anyio(main, run.backend)


def idle(run: Idling) -> None:
    """Idle workers in one supervisor, in a program that has nothing else."""

    async def main() -> None:
        count_turns(run.backend, run.turn)
        async with open_supervisor(_idle(run)):
            await anyio.sleep_forever()

    run_anyio(main, run.backend)


def idle_whole(run: Idling) -> None:
    """Idle workers under `otp.run`, with log, history, control socket and loop watch."""
    _run(_idle(run), run.backend, whole=True)


def _idle(run: Idling) -> SupervisorSpec:
    async def idle() -> None:
        run.enter()
        await anyio.sleep_forever()

    return supervisor("root", children=[worker(f"w{n}", idle) for n in range(run.count)])


def _run(spec: SupervisorSpec, backend: str, *, whole: bool) -> None:
    """With its log; as a whole with history, incidents, the control socket and the watch over the event loop too."""
    beside = {} if whole else {"control": False, "loop_watch": None}
    otp.run(spec, backend="trio" if backend == "trio" else "asyncio", uvloop=backend == "uvloop", **beside)


def _nest(id: str, count: int, depth: int, idle: Callable[[], Awaitable[None]]) -> SupervisorSpec:
    """So many workers below so many levels of supervisors, all of about the same size."""
    if depth == 1:
        return supervisor(id, children=[worker(f"w{n}", idle) for n in range(count)])
    parts = round(count ** (1 / depth))
    shares = [count * (n + 1) // parts - count * n // parts for n in range(parts)]
    return supervisor(id, children=[_nest(f"s{n}", share, depth - 1, idle) for n, share in enumerate(shares)])
