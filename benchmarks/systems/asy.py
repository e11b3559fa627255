"""asy: restarts everything, and on an exception of its own only; a ValueError would end the program."""

import asyncio

from asy.exceptions import RestartAllException
from asy.supervisor import SupervisorBase
from asy.tokens import CancelToken

from benchmarks.systems.runs.restarts import Restarts


def restart(run: Restarts) -> None:
    async def crash(token):
        run.enter()
        await asyncio.sleep(run.idle)
        run.crashing()
        raise RestartAllException

    async def main() -> None:
        await SupervisorBase(crash)(CancelToken())

    asyncio.run(main())
