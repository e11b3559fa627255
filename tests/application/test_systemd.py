"""What systemd is told: a real datagram socket stands for it."""

import os
import socket

import anyio
import pytest

import otp
from otp import Restart, Strategy, supervisor, worker
from otp.application.host import open_host
from otp.application.options import Options
from otp.application.systemd import sd_notify, watchdog_interval
from otp.events import ChildDelayed, ChildRefused, ChildStarted
from otp.policy import Backoff, FailurePolicy, RestartAfter, on
from otp.testing import EventRecorder, Probe, Refuse

QUIET = Options(loop_watch=None)


class Init:
    """Reads what it is told."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)
        self.told = []

    def read(self):
        """What came since the last time."""
        news = []
        while True:
            try:
                news.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                self.told += news
                return news

    def wait(self, seconds):
        """What comes within this time, of which nothing should."""
        self._socket.settimeout(seconds)
        try:
            return [self._socket.recv(4096).decode()]
        except TimeoutError:
            return []
        finally:
            self._socket.setblocking(False)

    def close(self):
        self._socket.close()


@pytest.fixture
def init(tmp_path, monkeypatch):
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    init = Init(address)
    yield init
    init.close()


def test_a_socket_without_a_file_is_told_as_well(monkeypatch):
    name = f"otp-test-{os.getpid()}"
    init = Init(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    try:
        assert sd_notify("READY=1")
        assert init.read() == ["READY=1"]
    finally:
        init.close()


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here"])
def test_nobody_who_listens_is_no_failure(monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not sd_notify("READY=1")


def test_a_systemd_that_does_not_read_is_not_waited_for(init):
    while sd_notify("STATUS=x"):
        pass  # until its queue is full
    assert len(init.read()) > 1


async def test_it_is_ready_when_all_children_are_up_and_stops_before_they_do(init):
    events, gate = EventRecorder(), anyio.Event()

    async def slow(*, task_status):
        await gate.wait()
        task_status.started()
        try:
            await anyio.sleep_forever()
        finally:
            at_the_end.extend(init.read())

    at_the_end = []
    spec = supervisor("root", children=[worker("a", anyio.sleep_forever), worker("slow", slow, ready=True)])
    async with open_host(spec, [events], QUIET) as host:
        host.tree.root.begin()
        await events.wait_for(ChildStarted, "root/a")
        await anyio.wait_all_tasks_blocked()
        assert init.read() == ["STATUS=starting: 1/2 up, 1 starting"]
        gate.set()
        await host.tree.settled.wait()
        await anyio.wait_all_tasks_blocked()
        assert "READY=1" in init.read()
        host.tree.stop()
        await host.tree.gone.wait()
    init.read()
    assert init.told.count("READY=1") == init.told.count("STOPPING=1") == 1
    assert init.told.index("READY=1") < init.told.index("STOPPING=1")


@pytest.mark.virtual_time
async def test_the_status_has_the_counts_when_they_change_and_never_more_than_once_a_second(init):
    policy = FailurePolicy(on(ValueError, RestartAfter(Backoff(5.0, cap=5.0, jitter=0.0))))
    events, a = EventRecorder(), Probe("a")
    spec = supervisor("root", children=[a.spec(policy=policy), worker("b", anyio.sleep_forever)])
    async with open_host(spec, [events], QUIET) as host:
        host.tree.root.begin()
        await host.tree.settled.wait()
        await anyio.sleep(2.5)
        assert init.read()[-1] == "STATUS=2/2 up"
        a.crash(ValueError("x"))
        await events.wait_for(ChildDelayed, "root/a")
        await anyio.sleep(0.1)
        assert init.read() == ["STATUS=1/2 up, 1 backoff"]
        await anyio.sleep(10.0)
        assert init.read() == ["STATUS=2/2 up"]
        await anyio.sleep(3600.0)
        assert init.read() == []


@pytest.mark.virtual_time
async def test_a_storm_of_failures_is_told_once_a_second(init):
    a = Probe("a")
    policy = FailurePolicy(on(ValueError, RestartAfter(Backoff(0.01, cap=0.01, jitter=0.0)), expected=True))
    spec = supervisor("root", children=[a.spec(policy=policy)])
    events = EventRecorder()
    async with open_host(spec, [events], QUIET) as host:
        host.tree.root.begin()
        await host.tree.settled.wait()
        for n in range(100):
            await events.wait_for(ChildStarted, "root/a", count=n + 1)
            a.crash(ValueError("x"))
    assert 1 <= len([line for line in (init.read(), init.told)[1] if line.startswith("STATUS=")]) <= 4


@pytest.mark.virtual_time
async def test_the_watchdog_is_fed_twice_in_its_time(init, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    spec = supervisor("root", children=[worker("a", anyio.sleep_forever)])
    async with open_host(spec, [], QUIET) as host:
        host.tree.root.begin()
        await anyio.sleep(1.0)
        assert init.read().count("WATCHDOG=1") == 1
        for _ in range(10):
            await anyio.sleep(5.0)
            assert init.read() == ["WATCHDOG=1"]


@pytest.mark.virtual_time
async def test_the_watchdog_is_not_fed_while_a_child_refuses_to_stop(init, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    stubborn, events = Probe("stubborn", Refuse(20)), EventRecorder()
    spec = supervisor("root", children=[stubborn.spec(shutdown=1.0), worker("a", anyio.sleep_forever)])
    async with open_host(spec, [events], QUIET) as host:
        host.tree.root.begin()
        await host.tree.settled.wait()
        async with anyio.create_task_group() as group:
            group.start_soon(_terminate, host.tree, "stubborn")
            await events.wait_for(ChildRefused)
            await anyio.sleep(1.5)
            init.read()
            await anyio.sleep(10.0)
            assert init.read() == []  # the status, "1 refused", was told before
            await anyio.sleep(20.0)  # it has ended after all
            assert "WATCHDOG=1" in init.read()


async def _terminate(tree, path):
    with pytest.raises(otp.ChildRefused):
        await otp.Supervisor(tree).terminate_child(path)


async def test_the_watchdog_is_not_fed_by_a_loop_that_does_not_turn(init, monkeypatch):
    """It is due each millisecond, and the child holds the loop until one has come, or for a hundred of them."""
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    done = anyio.Event()
    heard = []

    async def block():
        init.read()
        heard.extend(init.wait(0.1))
        done.set()

    spec = supervisor(
        "root", children=[worker("a", anyio.sleep_forever), worker("b", block, restart=Restart.TEMPORARY)]
    )
    async with open_host(spec, [], QUIET) as host:
        host.tree.root.begin()
        await done.wait()
    assert heard == []


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_as_systemd_says(monkeypatch, environment, interval):
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert watchdog_interval() == interval


@pytest.mark.parametrize("address", [None, ""])
async def test_without_its_socket_nothing_of_it_runs(monkeypatch, address):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setattr("otp.application.host.Systemd", lambda _: pytest.fail("there is no systemd"))
    async with open_host(supervisor("root", strategy=Strategy.ONE_FOR_ALL), [], QUIET):
        pass
