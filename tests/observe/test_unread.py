"""Standard error that nobody reads, or that fails: the tree goes on, and what was not written is said afterwards."""

import fcntl
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest

from otp.control.client.client import connect
from otp.control.wire.commands import GetEvents, GetSnapshot, Restart

PROGRAM = """
import logging, os, sys, warnings
warnings.simplefilter("always")
{before}
import anyio, otp
from loguru import logger

async def flap():
    await anyio.sleep(0)
    of_a_worker = "of a worker " + "x " * 950
    {log}
    raise ValueError("again")

async def idle():
    await anyio.sleep_forever()

tree = otp.supervisor("unread", intensity=10**9, period=1.0,
                      children=[otp.worker("idle", idle), otp.worker("flap", flap)])
sys.exit(otp.run(tree, backend="{backend}"))
"""

RAISING = """
from loguru import logger
def broken(message):
    raise ValueError(message)
logger.add(broken)
"""

WAYS = {
    "the tree's own lines": ("", 12_000),
    "loguru": ("logger.warning(of_a_worker)", 2_600),
    "logging": ("logging.getLogger('lib').warning(of_a_worker)", 2_600),
    "print": ("print(of_a_worker, file=sys.stderr)", 2_600),
    "warnings": ("warnings.warn(of_a_worker)", 2_600),
    "a sink that raises": ("logger.warning(of_a_worker); logger.warning(of_a_worker)", 1_000),
    "loguru with a traceback": ("logger.opt(exception=ValueError('inner')).error(of_a_worker)", 2_600),
}
"""What logs, and crashes in which it fills the pipe and the queue behind it."""


@contextmanager
def running(code, stderr):
    folder = pathlib.Path(os.environ["XDG_RUNTIME_DIR"])
    process = subprocess.Popen([sys.executable, "-c", code], stderr=stderr, stdout=subprocess.DEVNULL)
    socket = folder / "otp" / "unread.sock"
    try:
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process, socket
    finally:
        process.kill()
        process.wait()
        socket.unlink(missing_ok=True)


def crashes(client):
    return next(row.crashes for row in client.ask(GetSnapshot()).children if row.path == "unread/flap")


def wait_for_crashes(socket, count):
    with connect(socket) as client:
        deadline = time.monotonic() + 30
        while crashes(client) < count:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def read_until(descriptor, pattern, seconds=20.0):
    """What is read until the pattern is found in it."""
    said = bytearray()
    deadline = time.monotonic() + seconds
    while not (found := re.search(pattern, said[-100_000:])):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, said[-2_000:]
        said += os.read(descriptor, 1 << 20)
    return bytes(said), found


@contextmanager
def pipe(size=4096):
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, size)
    try:
        yield ours, theirs
    finally:
        for end in (ours, theirs):
            with suppress(OSError):
                os.close(end)


@pytest.mark.parametrize(("way", "backend"), [*((way, "asyncio") for way in WAYS), ("print", "trio")])
def test_a_stderr_that_nobody_reads_stalls_nothing_and_what_is_missing_is_said_when_it_is_read(way, backend):
    log, enough = WAYS[way]
    before = RAISING if way == "a sink that raises" else ""
    code = PROGRAM.format(before=before, log=log, backend=backend)
    with pipe() as (ours, theirs), running(code, theirs) as (process, socket):
        wait_for_crashes(socket, enough)
        with connect(socket) as client:
            assert client.ask(Restart(path="idle", reason="to see that acting is answered too")).changes[0].error == ""
            assert "operator.restart" in {row.event for row in client.ask(GetEvents(path="idle")).events}
        said, found = read_until(ours, rb"WARNING  (\d[\d ]*) lines were not written, stderr was not read\n")
        assert int(found[1].replace(b" ", b"")) > 0
        assert re.search(rb"^\d\d:\d\d:\d\d\.\d{3} WARNING  \d", said, re.MULTILINE)  # a line of its own
        process.send_signal(signal.SIGTERM)
        read_until(ours, rb"stopped in ")
        assert process.wait(10) == 0


def test_the_handler_of_a_basic_config_goes_through_the_outlet_too():
    code = PROGRAM.format(
        before="logging.basicConfig(level=logging.INFO)",
        log="logging.getLogger('lib').info(of_a_worker)",
        backend="asyncio",
    )
    with pipe() as (ours, theirs), running(code, theirs) as (_, socket):
        wait_for_crashes(socket, 1_000)
        read_until(ours, rb"INFO:lib:of a worker x x")


def test_the_end_does_not_wait_for_a_reader_for_long():
    code = PROGRAM.format(before="", log="", backend="asyncio")
    with pipe() as (_, theirs), running(code, theirs) as (process, socket):
        wait_for_crashes(socket, 1_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_audit_goes_on_while_the_log_is_a_fifo_that_is_full(tmp_path):
    path = tmp_path / "log"
    os.mkfifo(path)
    ours = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    theirs = os.open(path, os.O_WRONLY)
    os.set_blocking(theirs, False)
    with suppress(BlockingIOError):
        while True:
            os.write(theirs, b"x" * 4096)
    os.set_blocking(theirs, True)
    code = PROGRAM.format(before="", log="await anyio.sleep_forever()", backend="asyncio")
    try:
        with running(code, theirs) as (_, socket), connect(socket) as client:
            for number in range(20):
                assert client.ask(Restart(path="idle", reason=f"number {number}")).changes[0].error == ""
            told = [row for row in client.ask(GetEvents()).events if row.event == "operator.restart"]
            assert len(told) == 20
            said, _ = read_until(ours, rb"number 19")
            assert said.count(b"restart by ") == 20  # the queue was not full: all come, in order
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_stderr_whose_reader_is_gone_harms_nothing():
    code = PROGRAM.format(before="", log="logger.warning(of_a_worker)", backend="asyncio")
    with pipe() as (ours, theirs), running(code, theirs) as (process, socket):
        os.close(ours)
        wait_for_crashes(socket, 1_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_stderr_that_does_not_block_loses_nothing_of_what_fits():
    """Whoever shares a terminal or a pipe with us may have set it to not block."""
    code = PROGRAM.format(before="os.set_blocking(2, False)", log="await anyio.sleep_forever()", backend="asyncio")
    with pipe() as (ours, theirs), running(code, theirs) as (_, socket), connect(socket) as client:
        for number in range(100):
            client.ask(Restart(path="idle", reason=f"number {number}"))
        said, _ = read_until(ours, rb"number 99")
        assert b"not written" not in said
        assert said.count(b"restart by ") == 100
