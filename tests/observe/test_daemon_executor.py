"""Calls that block: in a daemon thread, one at a time, and none is made twice because it was given up."""

import subprocess
import sys
import threading

import anyio
import pytest

from otp.observe.alerts import Notification, Severity
from otp.observe.apprise_sink import apprise_outbox
from otp.observe.daemon_executor import DaemonExecutor
from otp.observe.outbox import Outbox, open_outbox
from otp.policy import Backoff


class Stuck:
    """A function that returns when it is let go."""

    def __init__(self):
        self.calls = []
        self.gate = threading.Event()
        self.most = 0
        self._inside = 0

    def __call__(self, item):
        self._inside += 1
        self.most = max(self.most, self._inside)
        self.calls.append(item)
        assert self.gate.wait(30)
        self._inside -= 1
        if isinstance(item, BaseException):
            raise item
        return item


@pytest.fixture
def stuck():
    stuck = Stuck()
    yield stuck
    stuck.gate.set()


async def given_up(call, item):
    with anyio.move_on_after(0.05):
        await call(item)


async def test_a_call_gives_what_the_function_returns_or_raises(stuck):
    stuck.gate.set()
    call = DaemonExecutor("test", stuck)
    assert await call(7) == 7
    with pytest.raises(OSError, match="gone"):
        await call(OSError("gone"))
    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        await call(SystemExit(3))


async def test_a_call_that_was_given_up_is_taken_up_by_the_next_with_its_item(stuck):
    call, item = DaemonExecutor("test", stuck), object()
    for _ in range(5):
        await given_up(call, item)
    stuck.gate.set()
    assert await call(item) is item
    assert stuck.calls == [item]
    other = object()
    assert await call(other) is other  # it is over: the next call is a new one


async def test_another_item_waits_for_the_end_of_the_call_under_way(stuck):
    call = DaemonExecutor("test", stuck)
    await given_up(call, "a")
    await given_up(call, "b")
    assert stuck.calls == ["a"]
    stuck.gate.set()
    assert await call("b") == "b"
    assert (stuck.calls, stuck.most) == (["a", "b"], 1)


async def test_a_sender_that_is_stuck_has_one_thread_and_sends_everything_once(stuck):
    before = threading.active_count()
    outbox = Outbox("test", DaemonExecutor("test", stuck), timeout=0.02, limit=3, backoff=Backoff(0.001, cap=0.001))
    async with open_outbox(outbox):
        for n in range(10):
            outbox.put(n)
        while outbox.failures < 10:
            await anyio.sleep(0.01)
        assert threading.active_count() <= before + 1
        stuck.gate.set()
        while outbox.waiting:
            await anyio.sleep(0.01)
    assert len(stuck.calls) == len(set(stuck.calls))
    assert (stuck.calls[-2:], stuck.most) == ([8, 9], 1)
    assert outbox.sent + outbox.dropped == 10


async def test_a_receiver_of_apprise_that_never_comes_back(stuck, monkeypatch):
    outbox = apprise_outbox("json://127.0.0.1:9/", timeout=0.02)
    receiver = outbox._send.__self__
    monkeypatch.setattr(receiver._apprise, "notify", lambda **said: stuck(said["title"]))
    async with open_outbox(outbox, patience=0.05):
        outbox.put(Notification(severity=Severity.ERROR, title="one", body="", incidents=()))
        while outbox.failures < 3:
            await anyio.sleep(0.01)
    assert stuck.calls == ["one"]
    assert outbox.dropped == 1


PROGRAM = """
import anyio, time
from otp.observe.daemon_executor import DaemonExecutor

async def main():
    with anyio.move_on_after(0.1):
        await DaemonExecutor("stuck", lambda item: time.sleep(600))("x")

anyio.run(main, backend="{backend}")
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_process_ends_while_a_call_is_stuck(backend):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(backend=backend)], timeout=30, check=False)
    assert done.returncode == 0
