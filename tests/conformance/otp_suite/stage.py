"""What the cases share: ways for a child to end, a root with dynamic children, and waiting for what follows."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

import anyio
import pytest

from otp import ExitShutdown, IntensityReached, dynamic_supervisor, open_supervisor

ENDINGS = {
    "normal": "returned",
    "shutdown": "shutdown",
    "shutdown_term": "shutdown (term)",
    "abnormal": "RuntimeError: boom",
    "kill": "CancelledError",
}
"""Exit reasons of the suite, with what our exits say of them.

A task cannot be killed from outside (D7); what comes nearest to `exit(Pid, kill)` is a cancellation by somebody else.
"""

NORMAL = ("normal", "shutdown", "shutdown_term")
ABNORMAL = ("abnormal", "kill")


def error_of(how):
    """What a child raises to end like that; None: it returns."""
    return {
        "normal": None,
        "shutdown": ExitShutdown(),
        "shutdown_term": ExitShutdown("term"),
        "abnormal": RuntimeError("boom"),
        "kill": asyncio.CancelledError(),
    }[how]


def end(probe, how="abnormal"):
    error = error_of(how)
    if error is None:
        probe.finish()
    else:
        probe.crash(error)


async def turns(count=30):
    for _ in range(count):
        await anyio.sleep(0)


@contextmanager
def gives_up(offender):
    """The tree opened in the block ends because `offender` ended once too often (D3)."""
    with anyio.fail_after(5), pytest.raises(IntensityReached) as raised:
        yield
    assert raised.value.offender == offender


@asynccontextmanager
async def open_dynamic(*children, hooks=(), **options):
    async with open_supervisor(dynamic_supervisor("root", **options), hooks=hooks) as root:
        for child in children:
            await root.start_child(child)
        yield root


def counts(supervisor, path=""):
    """Specs, active, supervisors, workers."""
    counted = supervisor.count_children(path)
    return counted.specs, counted.active, counted.supervisors, counted.workers


def states(supervisor, path=""):
    return {child.id: str(child.state) for child in supervisor.which_children(path)}
