"""Sinks of the log that fail: each costs its own lines and nobody else's, and it is said where the log cannot reach."""

import asyncio
import subprocess
import sys

import anyio
import pytest
from loguru import logger

from otp import log_events, open_supervisor, supervisor
from otp.control.tree.audit import Audit
from otp.control.tree.event_log import EventLog
from otp.control.wire.commands import Stop
from otp.control.wire.peer import Peer
from otp.control.wire.rows import Change
from otp.events import ChildStarted
from otp.observe import log as log_module
from otp.observe import logger as logger_module
from otp.observe.outlet import Outlet, open_outlets
from otp.testing import Crash, EventRecorder, Probe, Run


class Own(BaseException):
    def __str__(self):
        return "token=kanarienvogel"


RAISED = [ValueError("boom"), asyncio.CancelledError(), GeneratorExit(), Own(), BaseExceptionGroup("both", [Own()])]


@pytest.fixture
def aside(monkeypatch):
    """What is said past the log."""
    for outlet in open_outlets():
        outlet.close(0.0)
    monkeypatch.setattr(logger_module, "_quiet_until", {})
    said = []
    outlet = Outlet("aside", said.append)
    yield lambda: (outlet.flush(5.0), "".join(said))[1]
    outlet.close(5.0)


@pytest.fixture(params=RAISED, ids=lambda error: type(error).__name__)
def broken(request):
    def sink(message):
        raise request.param

    number = logger.add(sink, level="INFO", catch=False)
    yield request.param
    logger.remove(number)


async def test_the_log_goes_on_with_a_sink_that_raises_and_says_it_once(broken, aside):
    child, events = Probe("a", *[Crash(ValueError(f"{n}")) for n in range(5)], Run()), EventRecorder()
    async with open_supervisor(supervisor("root", intensity=9, children=[child.spec()]), hooks=[log_events(), events]):
        with anyio.fail_after(10.0):
            await events.wait_for(ChildStarted, "root/a", count=6)
    assert "HookFailed" not in {type(event).__name__ for event in events.events}
    said = aside()
    assert said.count("a sink of the log raised, lines are missing there: ") == 1
    assert type(broken).__name__ in said or "Own" in said
    assert "kanarienvogel" not in said


async def test_an_operators_act_is_answered_and_kept_with_a_sink_that_raises(broken, aside):
    event_log = EventLog()
    change = Change(path="shop/a", radius=("shop/a",), before="running", after="stopped", took_s=0.01)
    Audit("shop", event_log).acted(Peer(uid=1, pid=2, user="ann"), "op", Stop(path="a"), change)
    assert [entry.what.event for entry in event_log.newest()] == ["operator.stop"]
    assert "a sink of the log raised" in aside()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_a_program_ends_it_from_a_sink_too(error):
    def sink(message):
        raise error

    number = logger.add(sink, catch=False)
    try:
        with pytest.raises(type(error)):
            log_module.tell("INFO", "root", "text")
    finally:
        logger.remove(number)


WITHOUT = """
import anyio, otp, sys
child = otp.worker("a", anyio.sleep, 0, restart=otp.Restart.TRANSIENT, significant=True)
spec = otp.supervisor("none", children=[child], auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT)
sys.exit(otp.run(spec, uvloop=False))
"""


def test_a_program_without_standard_error_runs():
    done = subprocess.run(["sh", "-c", f"exec {sys.executable} -c '{WITHOUT}' 2>&-"], timeout=30, check=False)
    assert done.returncode == 0


PRINTS = """
import anyio, otp, sys, subprocess

async def talk():
    assert sys.stderr is not sys.__stderr__
    sys.stderr.write("one ")
    print("line", file=sys.stderr)
    sys.stderr.writelines(["two\\n", "three\\n"])
    print("begun", end="", file=sys.stderr, flush=True)
    print(" and done", file=sys.stderr)
    sys.stderr.buffer  # it has all that it has
    assert sys.stderr.fileno() == 2
    raise otp.ExitShutdown

child = otp.worker("a", talk, restart=otp.Restart.TRANSIENT, significant=True)
otp.run(otp.supervisor("prints", children=[child], auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT))
assert sys.stderr is sys.__stderr__
print("the end", file=sys.stderr)
"""


def test_what_a_worker_prints_comes_whole_and_in_its_order():
    done = subprocess.run([sys.executable, "-c", PRINTS], capture_output=True, text=True, timeout=30, check=True)
    printed = [line for line in done.stderr.splitlines() if "stopped in" not in line]
    assert printed == ["one line", "two", "three", "begun and done", "the end"]


def test_a_worker_that_sets_up_loguru_itself_has_what_it_set_up():
    own = "from loguru import logger; logger.remove(); logger.add(sys.stderr, format='OWN {message}'); logger.info('hello')"
    code = PRINTS.replace('sys.stderr.write("one ")', own)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr.splitlines()[:2] == ["OWN hello", "line"]
    assert any(line.startswith("OWN prints  stopped in") for line in done.stderr.splitlines())
