"""How much one core carries through massive, from the provider's socket to the prices on the bus, with supervision and without.

How much goes through at most in a second depends on who else wants the cores: provider, service and bus share them, and
the figure varied by half. So the provider sends at a rate that the service bears without effort, and the processor time
of its process is taken: all threads, heartbeat and control socket too. A core that had nothing else to do would carry
the reciprocal. Both are processes of their own, on a provider and a bus of their own, and take turns while the other one
idles.
"""

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec

from benchmarks.rig.massive import stage as massive_stage
from benchmarks.rig.massive.service_process import SUPERVISED, UNSUPERVISED, publish_identity, running, surroundings
from services.massive.provider import Sent

RATE = 100_000.0
"""Events per second."""

WARMING = 0.5
COOLING = 0.3
PATIENCE = 30.0


async def whole_path(rounds: int, seconds: float) -> tuple[list[float], list[float]]:
    """Events per second of processor time, without and with supervision, of each round."""
    without: list[float] = []
    with_it: list[float] = []
    async with _path(UNSUPERVISED) as plain, _path(SUPERVISED) as supervised:
        for turn in range(rounds):
            for path, rates in ((plain, without), (supervised, with_it))[:: -1 if turn % 2 else 1]:
                rates.append(await path.carried(seconds))
    return without, with_it


class _Path:
    """A provider, and the process at the other end of its socket."""

    def __init__(self, provider: massive_stage.ProviderProcess, pid: int) -> None:
        self._provider = provider
        self._pid = pid

    async def carried(self, seconds: float) -> float:
        """Let it flow for a while; events per second of processor time."""
        await self._provider.tell(f"trickle {RATE:.0f}")
        await anyio.sleep(WARMING)
        events, used = await self._sent(), self._processor_time()
        await anyio.sleep(seconds)
        events, used = await self._sent() - events, self._processor_time() - used
        await self.pause()
        return events / used

    async def begin(self) -> None:
        """Wait until it flows, and let it pause."""
        with anyio.fail_after(PATIENCE):
            while not await self._sent():
                await anyio.sleep(0.05)
        await self.pause()

    async def pause(self) -> None:
        """Nothing comes, and what is under way arrives."""
        await self._provider.tell("trickle 0")
        await anyio.sleep(COOLING)

    async def _sent(self) -> int:
        sent = msgspec.json.decode(await self._provider.tell("sent"), type=list[Sent])
        return sum(tally.count for one in sent for tally in one.channels.values())

    def _processor_time(self) -> float:
        threads = Path(f"/proc/{self._pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


@asynccontextmanager
async def _path(service: Sequence[str]) -> AsyncGenerator[_Path]:
    async with massive_stage.bus() as market, massive_stage.provider(1_000.0) as provider:
        await publish_identity(provider, market)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            async with running(service, surroundings(market, Path(folder))) as pid:
                path = _Path(provider, pid)
                await path.begin()
                yield path
