"""What runs beside a tree runs until the tree is gone, whatever ends the block, and harms nobody."""

import socket
import threading
from functools import partial

import anyio
import pytest
from loguru import logger

import otp
from otp import log_events, supervisor, worker
from otp.application.entry import serve
from otp.application.host import open_host
from otp.application.options import Options
from otp.errors import SpecError
from otp.events import SupervisorStarted
from otp.testing import EventRecorder

NOTHING = Options(loop_watch=None)


@pytest.fixture
def lines():
    lines = []
    sink = logger.add(lambda line: lines.append(line.rstrip()), format="{level} {message}", level="INFO")
    yield lines
    logger.remove(sink)


@pytest.fixture
def port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def threads():
    """Those of the host; an outlet is the process's own."""
    names = {thread.name for thread in threading.enumerate() if thread.name.startswith("otp-")}
    return {name for name in names if not name.startswith("otp-outlet-")}


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


async def test_it_goes_on_while_a_cancelled_block_stops_its_tree_and_ends_then(port, lines):
    seen, up = [], anyio.Event()

    async def slow():
        up.set()
        try:
            await anyio.sleep_forever()
        finally:
            seen.append((answers(port), threads()))

    spec = supervisor("root", children=[worker("a", slow)])
    with anyio.CancelScope() as scope:
        async with open_host(spec, [log_events()], Options(health=("127.0.0.1", port))) as host:
            host.tree.root.begin()
            await up.wait()
            scope.cancel()
            await anyio.sleep_forever()
    assert seen == [(True, {"otp-loop-watch", "otp-health", "otp-control"})]
    assert not answers(port)
    assert threads() == set()
    assert len(lines) == 1
    assert lines[0].startswith("INFO root  stopped in ")


async def test_what_the_block_raises_goes_on_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000")
    with pytest.raises(ZeroDivisionError):
        async with open_host(supervisor("root"), [], NOTHING) as host:
            host.tree.root.begin()
            raise ZeroDivisionError
    assert threads() == set()


async def test_own_hooks_without_a_log_are_told_and_nothing_is_written(lines):
    events = EventRecorder()
    async with open_host(supervisor("root"), [events], NOTHING) as host:
        host.tree.root.begin()
        await events.wait_for(SupervisorStarted, "root")
    assert lines == []


async def test_a_tree_that_cannot_run_leaves_nothing_behind(port):
    spec = supervisor("root", children=[worker("a", anyio.sleep_forever, needs=["database"])])
    with pytest.raises(SpecError, match="database"):
        async with open_host(spec, [], Options(health=("127.0.0.1", port))):
            pytest.fail("the block must not begin")
    assert not answers(port)
    assert threads() == set()


def run_by_serve(spec, **options):
    return anyio.run(partial(serve, spec, **options))


@pytest.mark.parametrize("run", [otp.run, run_by_serve])
@pytest.mark.parametrize(
    ("options", "watching"),
    [
        ({}, {"otp-loop-watch", "otp-control"}),
        ({"loop_watch": None}, {"otp-control"}),
        ({"control": False}, {"otp-loop-watch"}),
    ],
)
def test_it_is_all_to_be_had_of_run_and_of_serve(run, options, watching, port):
    async def look():
        seen.append((answers(port), threads()))

    seen = []
    child = worker("a", look, restart=otp.Restart.TEMPORARY, significant=True)
    spec = supervisor("root", auto_shutdown=otp.AutoShutdown.ANY_SIGNIFICANT, children=[child])
    assert run(spec, hooks=[], health=str(port), **options) == 0
    assert seen == [(True, {"otp-health", *watching})]
