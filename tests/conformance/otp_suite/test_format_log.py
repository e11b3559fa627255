"""supervisor_SUITE, format_log: whatever children say, the log stays one line for each event, and bounded (S61)."""

import anyio
import pytest
from loguru import logger

from otp import IntensityReached, log_events, open_supervisor, supervisor
from otp.testing import FailStart, Probe, Run
from tests.conformance.otp_suite.stage import turns


@pytest.fixture
def lines():
    """What is logged, at all levels, as it would be written."""
    lines = []
    sink = logger.add(lines.append, level=0, format="{message}", diagnose=False, backtrace=False)
    yield lines
    logger.remove(sink)


async def log_a_life_and_an_end(error, lines):
    """A tree in which a child fails with this error, in its run, in a restart and in its clean-up, until it is too much."""
    failing = Probe("failing", Run(), FailStart(error), Run())
    unclean = Probe("unclean", Run(error=error))
    spec = supervisor("root", intensity=2, children=[failing.spec(), unclean.spec()])
    with anyio.fail_after(5), pytest.raises(IntensityReached):
        async with open_supervisor(spec, hooks=[log_events()]):
            failing.crash(error)
            await turns()
            failing.crash(error)
            await anyio.sleep_forever()
    said = [line.record["extra"]["event"] for line in lines if "it says" in line]
    assert set(said) == {"child.restarting", "child.start_failed", "supervisor.intensity_reached", "child.exited"}


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ("it says\none\r\nthing\u2028more\x00", "it says one  thing more "),
        ("it says {this} <red>%s</red>", "it says {this} <red>%s</red>"),
    ],
    ids=["line_breaks", "markup"],
)
async def test_format_log_1(message, printed, lines):
    await log_a_life_and_an_end(ValueError(message), lines)
    assert all(line.endswith("\n") and len(line.splitlines()) == 1 for line in lines)
    assert sum(printed in line for line in lines) == 4


@pytest.mark.parametrize(
    "error",
    [
        ValueError("it says " * 100_000),
        ExceptionGroup("it says", [ValueError(f"it says {n}" * 100) for n in range(1000)]),
    ],
    ids=["message", "group"],
)
async def test_format_log_2(error, lines):
    await log_a_life_and_an_end(error, lines)
    assert max(map(len, lines)) < 5_000
