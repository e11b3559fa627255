"""Massive as it is run for real, as a process: under its supervision, or alone and started again from outside."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import Process
from msgspec.structs import replace

from benchmarks.rig.checkout import ROOT
from benchmarks.rig.massive.stage import ProviderProcess
from services.shared import redis_clients
from services.shared.truth import COMPONENTS, Bus, build_truth, publish_truth, read_component

SUPERVISED = (sys.executable, "-m", "services.massive.supervised_main")
UNSUPERVISED = (sys.executable, "-m", "services.massive.main")

LEAVE_WITHIN = 20.0
"""Seconds that a process has from SIGTERM on; then it and all below it are killed."""


async def publish_identity(provider: ProviderProcess, bus: str) -> None:
    """Write the truth document that every start of the service reads, with one Redis as all three buses."""
    component = read_component(COMPONENTS / "massive.json")
    env = component.env | {"MASSIVE_WS_URL": provider.url, "MASSIVE_API_KEY": "demo-key", "FAULTS_ALLOWED": "true"}
    component = replace(component, env=env, feed={"subscriptions": ("T.*", "Q.*")})
    buses = {f"{name}-redis": Bus(url=bus, role=name) for name in ("system", "market", "intel")}
    client = redis_clients.control(bus)
    async with redis_clients.opened(client):
        await publish_truth(client, build_truth([component], buses))


def surroundings(bus: str, folder: Path) -> dict[str, str]:
    """The environment of the service; what the shell says of the provider would win over the truth document."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MASSIVE_", "FAULTS_", "OTP_"))}
    return {**ours, "PYTHONPATH": str(ROOT), "TRUTH_REDIS_URL": bus, "XDG_RUNTIME_DIR": str(folder)}


@asynccontextmanager
async def running(command: Sequence[str], environment: Mapping[str, str]) -> AsyncGenerator[int]:
    """Run a command, which may start others, while the block runs, which is given its pid; then end it in order.

    When it has ended before, an error of the block is told its last words.
    """
    with tempfile.TemporaryFile() as log:
        process = await anyio.open_process(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process.pid
        except Exception as error:
            if process.returncode is not None:
                log.seek(0)
                error.add_note(f"{command} ended with {process.returncode}: {log.read()[-1_000:].decode()}")
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    with anyio.move_on_after(LEAVE_WITHIN) as patience:
        await process.wait()
    if patience.cancelled_caught:
        for pid in _below(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        await process.wait()


def _below(pid: int) -> list[int]:
    """All processes below this one, the nearest first."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
    ]
    return children + [below for child in children for below in _below(child)]
