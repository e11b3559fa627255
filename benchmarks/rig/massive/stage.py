"""Massive on real parts for the benchmarks: a provider in a process of its own, one Valkey server, the tree or not."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from otp import open_supervisor
from services.massive.config import Buses, Feed, Massive
from services.massive.shared_services import SharedServices
from services.shared.embedded import open_embedded_buses
from trees.massive import tree

SYMBOLS = 20


class ProviderProcess:
    """The provider at a rate, behind its line protocol."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = url
        self._process = process

    async def tell(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n".encode())
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def provider(rate: float) -> AsyncGenerator[ProviderProcess]:
    """One of its own, which sends so many events per second."""
    names = ",".join(f"SYM{n}" for n in range(SYMBOLS))
    words = ("--port", "0", "--rate", str(rate), "--bar-rate", "0", "--symbols", names)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.massive.provider",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    try:
        assert process.stdout is not None
        yield ProviderProcess(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.terminate()
        await process.wait()


def config_of(url: str, market: str) -> Massive:
    feed = Feed(url=url, api_key="demo-key", subscriptions=("T.*", "Q.*"))
    return Massive(feed=feed, buses=Buses(system=market, market=market, intel=market))


@asynccontextmanager
async def supervised(config: Massive) -> AsyncGenerator[SharedServices]:
    """The tree of massive while the block runs, which is given what its nodes share."""
    shared = SharedServices.make(config)
    try:
        async with open_supervisor(tree(config, shared)):
            yield shared
    finally:
        await shared.aclose()


@asynccontextmanager
async def bus() -> AsyncGenerator[str]:
    async with open_embedded_buses(["market"]) as buses:
        yield buses["market"].url
