"""The ways in which massive fails in `benchmarks.measures.recovery`, and who brings it back in each."""

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
from msgspec import Struct

from benchmarks.rig.massive.process_supervisors import ProcessSupervisor, process_supervisors
from benchmarks.rig.massive.service_process import SUPERVISED, UNSUPERVISED, running, surroundings
from benchmarks.rig.massive.stage import ProviderProcess
from otp.control.client.client import Client, connect
from otp.control.client.errors import Unreachable
from otp.control.wire.commands import Acting, GetSnapshot, InjectFault, Reset
from otp.control.wire.rows import Snapshot

FEED = "massive/workers/ws_worker"
UP_WITHIN = 10.0
CLOSE = "close 1012 service restart"


class Stage(Struct, frozen=True):
    """What all have in common: the provider, and the address of the bus."""

    provider: ProviderProcess
    market: str


class Service(Struct, frozen=True):
    """The service as it runs.

    Attributes:
        strike: makes it fail.
        supervision: its supervisors, to be asked; None: there are none inside.
    """

    strike: Callable[[], Awaitable[object]]
    supervision: "Supervision | None" = None


class Failure(Struct, frozen=True, kw_only=True):
    """One kind of failure.

    Attributes:
        name: as it is shown.
        opened: runs the service while its block runs.
        times: failures of one run.
        settle: seconds before each failure, somewhere between these two.
    """

    name: str
    opened: Callable[[Stage], AbstractAsyncContextManager[Service]]
    times: int = 1
    settle: tuple[float, float] = (0.2, 0.4)


class Supervision:
    """The supervisors inside the service, over its control socket."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def crash_orchestrator(self) -> None:
        """Let it raise; it is rest_for_one, so the workers go with it."""
        await self._act(InjectFault(path="massive/orchestrator", kind="crash"))

    async def forgive(self) -> None:
        """Forget the failures so far, as an hour without one would."""
        for path in ("massive", "massive/workers", "massive/orchestrator", FEED):
            await self._act(Reset(path=path))

    async def look(self) -> tuple[float, int]:
        """Milliseconds that ws_worker has been down, and restarts of all others."""
        seen: Snapshot = await anyio.to_thread.run_sync(self._client.ask, GetSnapshot())
        down = sum(child.downtime_s for child in seen.children if child.path == FEED)
        return down * 1e3, sum(child.generation - 1 for child in seen.children if child.path != FEED)

    async def _act(self, command: Acting) -> None:
        await anyio.to_thread.run_sync(self._client.ask, command)


@asynccontextmanager
async def _supervised(stage: Stage, *, crashes: bool) -> AsyncGenerator[Service]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with running(SUPERVISED, surroundings(stage.market, Path(folder))):
            with await _control(Path(folder) / "otp" / "massive.sock") as client:
                supervision = Supervision(client)
                strike = supervision.crash_orchestrator if crashes else partial(stage.provider.tell, CLOSE)
                yield Service(strike, supervision)


async def _control(socket: Path) -> Client:
    with anyio.fail_after(UP_WITHIN):
        while True:
            try:
                return connect(socket)
            except Unreachable:
                await anyio.sleep(0.05)


@asynccontextmanager
async def _alone(outside: ProcessSupervisor, stage: Stage) -> AsyncGenerator[Service]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = outside.set_up(UNSUPERVISED, Path(folder))
        async with running(command, surroundings(stage.market, Path(folder))):
            yield Service(partial(stage.provider.tell, CLOSE))


WORKER = Failure(name="one worker", opened=partial(_supervised, crashes=False), times=4)
ORCHESTRATOR = Failure(name="orchestrator, and the workers with it", opened=partial(_supervised, crashes=True), times=4)


def whole_process() -> list[Failure]:
    """Without supervision inside, under each of the process supervisors that are here."""
    # supervisord counts a program as started after a second. What else is drawn is the phase of who looks now and then.
    return [
        Failure(name=f"process: {one.name}", opened=partial(_alone, one), settle=(1.5, 1.5 + max(0.2, one.poll)))
        for one in process_supervisors()
    ]
